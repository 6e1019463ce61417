import type { Engine, WorkEvent } from '../../gpu-backend/engine/engine.ts';
import { publicEvents } from '../../gpu-backend/engine/public-events.ts';
import type { GenerationEvent } from '../../shared/contract/stream.ts';

/** All events of a job, as its reader sees them. */
export async function collect(events: AsyncIterable<WorkEvent>): Promise<GenerationEvent[]> {
  const all: GenerationEvent[] = [];
  for await (const event of publicEvents(events)) all.push(event);
  return all;
}

/** Texts that an engine runs or keeps waiting. */
export const textsOf = ({ load }: Engine): number => load.running + load.waiting;
