/**
 * A Worker of a few lines beside the edge, for the bench `edge`: it writes one row to a Durable Object, asks the service, answers with what
 * comes, and deletes the row behind the answer. What it takes, no edge that holds money can do without.
 */
export const BARE = `
import { DurableObject } from 'cloudflare:workers';

export class Holds extends DurableObject {
  constructor(ctx, env) {
    super(ctx, env);
    this.sql = ctx.storage.sql;
    this.sql.exec('CREATE TABLE IF NOT EXISTS hold (id TEXT PRIMARY KEY)');
  }
  async hold(id) { this.sql.exec('INSERT INTO hold VALUES (?)', id); }
  async drop(id) { this.sql.exec('DELETE FROM hold WHERE id = ?', id); }
}

export default {
  async fetch(request, env, ctx) {
    const id = 'gen_' + crypto.randomUUID();
    const body = JSON.stringify({ id, request: await request.json() });
    const holds = env.HOLDS.getByName('only');
    await holds.hold(id);
    const response = await fetch(env.BACKEND_URL + '/generate', { method: 'POST', body });
    const text = await response.text();
    ctx.waitUntil(holds.drop(id));
    return new Response(text);
  },
};`;
