/** What the person at the command line can act on: shown as one message, without a stack. */
export class InstallError extends Error {}
