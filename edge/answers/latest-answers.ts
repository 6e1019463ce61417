/** The latest answers in the memory of the isolate, so that what is asked again and again is not even looked up. */
import type { KeptAnswer } from '../ledger/protocol.ts';

/** An answer and until when it may be given, Unix milliseconds. */
export interface Kept extends KeptAnswer {
  readonly until: number;
}

/** Characters of all of them as JSON: an isolate has 128 MB for everything, and parsed they take several bytes for each. */
const MOST_CHARACTERS = 2_000_000;
/** One that is larger is not kept here. */
const MOST_OF_ONE = MOST_CHARACTERS / 8;

export class LatestAnswers {
  /** Oldest first. */
  private readonly answers = new Map<string, { readonly kept: Kept; readonly characters: number }>();
  private characters = 0;

  get(key: string): Kept | undefined {
    return this.answers.get(key)?.kept;
  }

  set(key: string, kept: Kept, characters: number): void {
    this.delete(key);
    if (characters > MOST_OF_ONE) return;
    this.answers.set(key, { kept, characters });
    this.characters += characters;
    for (const oldest of this.answers.keys()) {
      if (this.characters <= MOST_CHARACTERS) break;
      this.delete(oldest);
    }
  }

  delete(key: string): void {
    this.characters -= this.answers.get(key)?.characters ?? 0;
    this.answers.delete(key);
  }
}
