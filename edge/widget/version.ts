/** The version of the widget: a release of its own, served under /embed/VERSION/ for as long as pages ask for it. */
export const VERSION = '1.0.0';
