/** Web pages that may use a publishable key: origins as browsers write them, and `https://*.example.com` for one level below. */

const WILDCARD = /^https:\/\/\*(\.[^*]+)$/;
const LOOPBACK: readonly string[] = ['localhost', '127.0.0.1', '[::1]'];
const LABEL = /^[a-z0-9-]+$/;

/** Whether a pattern can ever fit: an origin exactly as a browser would send it, of HTTPS, or of the machine itself. */
export function isOriginPattern(pattern: string): boolean {
  const suffix = WILDCARD.exec(pattern)?.[1];
  // Of a whole top-level domain nobody owns the pages.
  if (suffix !== undefined) return /^\.[^.]+\.[^.]/.test(suffix) && isOrigin(`https://x${suffix}`);
  return isOrigin(pattern);
}

/** Whether it is an origin exactly as a browser sends it, of HTTPS or of the machine itself. */
export function isOrigin(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { origin, protocol, hostname } = new URL(text);
  if (origin !== text || !/^[a-z0-9.[\]:-]+$/.test(hostname)) return false;
  return protocol === 'https:' || (protocol === 'http:' && LOOPBACK.includes(hostname));
}

/** Whether a page lies on the machine that shows it. */
export function isLoopback(origin: string): boolean {
  return LOOPBACK.includes(new URL(origin).hostname);
}

/** Whether the header `Origin` is one of these. */
export function originMatches(origin: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => {
    const suffix = WILDCARD.exec(pattern)?.[1];
    if (suffix === undefined) return origin === pattern;
    const start = 'https://'.length;
    return (
      origin.startsWith('https://') &&
      origin.endsWith(suffix) &&
      LABEL.test(origin.slice(start, Math.max(start, origin.length - suffix.length)))
    );
  });
}
