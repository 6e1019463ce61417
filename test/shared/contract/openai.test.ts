import { describe, expect, it } from 'vitest';
import { chatSchema, completionSchema, fimSchema } from '../../../shared/contract/openai.ts';
import { CHAT_REFUSED, COMPLETION_REFUSED } from '../../../shared/contract/openai-refused.ts';
import { quoted, tableRows } from '../../documented-tables.ts';

const rows = tableRows('compatibility.md');
const fieldsOf = (length: number) => rows.filter((row) => row.length === length).map(([fields]) => quoted(fields));

describe('docs/compatibility.md', () => {
  const schemas = [chatSchema, completionSchema, fimSchema];
  const known = [...new Set(schemas.flatMap(({ entries }) => Object.keys(entries)))];
  const refused = Object.keys({ ...CHAT_REFUSED, ...COMPLETION_REFUSED });

  it('says of every field what becomes of it', () => {
    expect([...new Set([...fieldsOf(3), ...fieldsOf(4)].flat())].toSorted()).toEqual(known.toSorted());
  });

  it('says of every field that is refused which values change nothing', () => {
    const own = ['template', 'holes', 'include', 'facts'];
    expect([...new Set(fieldsOf(4).flat())].toSorted()).toEqual(
      refused.filter((name) => !own.includes(name)).toSorted(),
    );
  });
});
