import { writeFileSync } from 'node:fs';
import { startEdge } from './_p.ts';

const p = await startEdge();
writeFileSync('/root/mw/prof/info.json', JSON.stringify(p));
console.log('ready');
process.on('SIGTERM', () => {
  p.stop();
  process.exit(0);
});
setInterval(() => {}, 1000);
