/**
 * Remembers what the last few requests compiled to: the parts of one request are compiled again and again while its
 * conflict is explained, and callers tend to repeat themselves.
 */
export interface Memo<T> {
  /** The remembered value of a key, else what `make` makes (remembered unless `heavy` says it is too large). */
  get(key: string, make: () => T): T;
}

/** Entries of one memo, and characters of a key, beyond which nothing is kept: bounds memory to some megabytes. */
const ENTRIES = 64;
const KEY_CHARACTERS = 20_000;

/** A memo of the most recently used values. */
export function createMemo<T>(heavy: (value: T) => boolean): Memo<T> {
  const values = new Map<string, T>();
  return {
    get(key, make) {
      const known = values.get(key);
      if (known !== undefined) {
        values.delete(key);
        values.set(key, known);
        return known;
      }
      const value = make();
      if (key.length > KEY_CHARACTERS || heavy(value)) return value;
      values.set(key, value);
      if (values.size > ENTRIES) values.delete(values.keys().next().value as string);
      return value;
    },
  };
}
