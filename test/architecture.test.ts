/** The map in the README holds: arrows between folders point one way, and no module imports itself around a corner. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
const SIDES = ['edge', 'gpu-backend', 'shared'] as const;
/** Inside the service, from the top floor down: a folder knows those behind it. */
const FLOORS = ['http', 'dispatch', 'engine', 'denoise', 'lattice', 'model'];

/** The modules of a folder and what each imports of the project, types included. */
function imports(folder: string): Map<string, string[]> {
  const files = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' });
  return new Map(
    files
      .filter((file) => file.endsWith('.ts'))
      .map((file) => {
        const path = join(ROOT, folder, file);
        const named = [...readFileSync(path, 'utf8').matchAll(/ from '(\.[^']+)'|import\('(\.[^']+)'\)/g)];
        const targets = named.map(([, from, dynamic]) => normalize(join(dirname(path), from ?? dynamic)));
        return [relative(ROOT, path), targets.map((target) => relative(ROOT, target))];
      }),
  );
}

const graph = new Map(SIDES.flatMap((side) => [...imports(side)]));
const sideOf = (path: string) => path.split('/')[0];
const floorOf = (path: string) => (sideOf(path) === 'gpu-backend' ? FLOORS.indexOf(path.split('/')[1]) : -1);

/** A way from a module back to itself, where there is one. */
function circle(): string[] | undefined {
  const done = new Set<string>();
  const walk = (path: string, way: readonly string[]): string[] | undefined => {
    if (way.includes(path)) return [...way.slice(way.indexOf(path)), path];
    if (done.has(path)) return undefined;
    for (const target of graph.get(path) ?? []) {
      const found = walk(target, [...way, path]);
      if (found !== undefined) return found;
    }
    done.add(path);
    return undefined;
  };
  for (const path of graph.keys()) {
    const found = walk(path, []);
    if (found !== undefined) return found;
  }
  return undefined;
}

describe('the modules', () => {
  it('are found', () => {
    expect(graph.size).toBeGreaterThan(150);
    expect(graph.get('gpu-backend/denoise/loop.ts')).toContain('gpu-backend/denoise/blocks.ts');
  });

  it('have no circle', () => {
    expect(circle()).toBeUndefined();
  });

  it('of edge, service and what they share know each other one way only', () => {
    const wrong = [...graph].flatMap(([path, targets]) =>
      targets
        .filter((target) => sideOf(target) !== sideOf(path) && sideOf(target) !== 'shared')
        .map((target) => [path, target]),
    );
    expect(wrong).toEqual([]);
  });

  it('of the service know the floors below them only', () => {
    const wrong = [...graph].flatMap(([path, targets]) => {
      const floor = floorOf(path);
      return targets
        .filter((target) => floorOf(target) >= 0 && floorOf(target) < floor)
        .map((target) => [path, target]);
    });
    expect(wrong).toEqual([]);
  });
});
