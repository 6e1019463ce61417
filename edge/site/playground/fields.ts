/** Fields of the form by the JSON Pointer of what they hold in the request. */

/** The id of the element for a pointer. */
export const idOf = (pointer: string): string => `field${pointer}`;

/** The pointer of the field that holds what a pointer is about: itself, or what it lies in. Undefined for the request as a whole. */
export function closestField(pointer: string): string | undefined {
  for (let at = pointer; at !== ''; at = at.slice(0, at.lastIndexOf('/'))) {
    if (document.getElementById(idOf(at)) !== null) return at;
  }
  return undefined;
}

/** Brings a field into sight and puts the cursor there. */
export function goToField(pointer: string): void {
  const field = document.getElementById(idOf(pointer));
  for (let fold = field?.closest('details'); fold; fold = fold.parentElement?.closest('details')) fold.open = true;
  const first = field?.matches('fieldset, details')
    ? field.querySelector<HTMLElement>('input, select, textarea, button')
    : field;
  first?.focus();
  field?.scrollIntoView({ block: 'center' });
}

/** A name as one part of a pointer (RFC 6901). */
export const escaped = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1');

/**
 * The pointer of each row of a list. Rows that say nothing are not in the request and do not count.
 * @param says whether a row is part of the request
 */
export function rowPointers<Item>(list: string, rows: readonly Item[], says: (row: Item) => boolean): string[] {
  let next = 0;
  return rows.map((row, i) => (says(row) ? `${list}/${next++}` : `${list}/empty-${i}`));
}
