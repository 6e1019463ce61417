/**
 * How much an engine has to do: what whoever brings it work needs to know.
 */
export interface EngineLoad {
  /** Texts being denoised. */
  readonly running: number;
  /** Texts that wait for a place. */
  readonly waiting: number;
  /** Predicted seconds until what runs and what waits is done. */
  readonly backlogSeconds: number;
  /** Texts that would begin at once. */
  readonly room: number;
}
