/** What an isolate remembers for a while: bounded, so that nobody can fill its memory by asking for ever new things. */

export interface Remembered<Value> {
  /** The value of a name while it is fresh. */
  get(name: string): Value | undefined;
  /** Remembers it until then, Unix milliseconds. */
  set(name: string, value: Value, until: number): void;
  delete(name: string): void;
}

/** @param most entries; the one that was asked for longest ago makes room */
export function remembered<Value>(most: number): Remembered<Value> {
  const entries = new Map<string, { readonly value: Value; readonly until: number }>();
  return {
    get(name) {
      const entry = entries.get(name);
      if (entry === undefined) return undefined;
      // A Map keeps the order of insertion: what is asked for moves to its end.
      entries.delete(name);
      if (Date.now() >= entry.until) return undefined;
      entries.set(name, entry);
      return entry.value;
    },
    set(name, value, until) {
      entries.delete(name);
      entries.set(name, { value, until });
      if (entries.size <= most) return;
      for (const oldest of entries.keys()) {
        entries.delete(oldest);
        return;
      }
    },
    delete: (name) => void entries.delete(name),
  };
}
