/** Log lines of the edge: one JSON object each, with the ids that tie them to the service's. Never what a caller wrote. */

export type LogLevel = 'info' | 'warn' | 'error';

export function log(level: LogLevel, message: string, fields: Readonly<Record<string, unknown>> = {}): void {
  // console.error would be no different: workerd writes both as they are, and the platform reads the level from the line.
  console.log(JSON.stringify({ level, time: Date.now(), msg: message, ...fields }));
}
