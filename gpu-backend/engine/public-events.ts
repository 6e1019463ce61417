import type { GenerationEvent } from '../../shared/contract/stream.ts';
import type { WorkEvent } from './engine.ts';

/** What a reader sees of the work: checkpoints are for whoever runs the engine. */
export async function* publicEvents(events: AsyncIterable<WorkEvent>): AsyncGenerator<GenerationEvent, void> {
  for await (const event of events) if (event.type !== 'checkpoint') yield event;
}
