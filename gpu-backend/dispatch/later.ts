/**
 * A dispatch that is still being opened: until it is, no work is taken.
 */
import { type Dispatch, unavailable } from './dispatch.ts';

type Attachable = Dispatch & Required<Pick<Dispatch, 'attach'>>;

export interface LaterDispatch<D extends Attachable> extends Attachable {
  /** The dispatch, once it is open. */
  readonly opened: D | undefined;
}

/** @param reason why no work is taken before */
export function laterDispatch<D extends Attachable>(opening: Promise<D>, reason: string): LaterDispatch<D> {
  let opened: D | undefined;
  let draining = false;
  opening.then(
    (dispatch) => {
      opened = dispatch;
    },
    () => {}, // whoever opens it sees why it failed
  );
  const now = () => {
    if (opened === undefined) throw unavailable(draining ? 'draining' : reason);
    return opened;
  };
  return {
    get opened() {
      return opened;
    },
    unready: () => (draining ? 'draining' : opened === undefined ? reason : opened.unready()),
    models: () => now().models(),
    generate: (...job) => now().generate(...job),
    attach: (...stream) => now().attach(...stream),
    work: async (...job) => now().work?.(...job),
    async drain(graceMs) {
      draining = true;
      await opened?.drain(graceMs);
    },
  };
}
