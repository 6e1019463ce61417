/**
 * A process of its own that opens many connections and says nothing: `node many-connections.ts PORT COUNT`. Prints how many it has
 * opened and how many of those were closed on it, and ends when its input does.
 */
import { connect } from 'node:net';

const [port, count] = process.argv.slice(2).map(Number);
const AT_ONCE = 200;
let closed = 0;

async function open(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const socket = connect({ port, host: '127.0.0.1' });
  socket.on('error', () => {});
  socket.once('connect', resolve);
  socket.once('close', () => {
    closed++;
    resolve();
  });
  socket.resume();
  await promise;
}

for (let n = 0; n < count; n += AT_ONCE) await Promise.all(Array.from({ length: AT_ONCE }, open));
await new Promise((resolve) => setTimeout(resolve, 200));
console.log(JSON.stringify({ opened: count, closed }));
process.stdin.once('end', () => process.exit(0)).resume();
