/**
 * Requests under way that an identical one may join. In memory: an object that forgets them computes an answer twice, and nobody pays
 * for what did not run for him.
 */
export class Flights {
  private readonly jobs = new Map<string, string>();
  private readonly ofRequest = new Map<string, string>();

  jobOf(flight: string): string | undefined {
    return this.jobs.get(flight);
  }

  start(flight: string, request: string, job: string): void {
    this.jobs.set(flight, job);
    this.ofRequest.set(request, flight);
  }

  /** The request ended or lost its reader; nothing happens where it is no flight. */
  end(request: string): void {
    const flight = this.ofRequest.get(request);
    if (flight === undefined) return;
    this.jobs.delete(flight);
    this.ofRequest.delete(request);
  }
}
