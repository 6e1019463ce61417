/** Where the jobs of this isolate run: whoever lost a stream most likely finds the rest there. Another isolate has to ask. */

/** Most jobs remembered; the oldest are forgotten first. */
const MOST = 1_000;

const places = new Map<string, string>();

/** @param url of the service */
export function remember(job: string, url: string): void {
  places.delete(job);
  places.set(job, url);
  if (places.size > MOST) places.delete(places.keys().next().value ?? '');
}

export const placeOf = (job: string): string | undefined => places.get(job);
