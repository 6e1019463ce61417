/** What of a widget is seen and heard: its fallback, its text, and what it tells those who cannot see it come. */
import { pause } from '../../shared/client/transport.ts';
import { createCanvas } from './canvas.ts';
import type { Moment } from './play.ts';
import { styleSheet } from './style.ts';

/** idle: not begun. waiting: asked, and nothing to see yet. running: steps are seen. */
export type State = 'idle' | 'waiting' | 'running' | 'done' | 'failed';

export interface View {
  /** Of a text that begins: what stood is out of focus until there is something to see. */
  wait(announcement: string): void;
  /** Draws moments of one text. */
  canvas(): (moment: Moment) => void;
  /** Resolves when nothing moves any more. */
  focused(signal: AbortSignal): Promise<void>;
  /** Plain text, one node: it can be selected, searched and read aloud. */
  rest(text: string, announcement: string): void;
  /** The page's own content. */
  fallBack(): void;
}

/** Tokens on their way into focus are waited for, but not for ever: a page may have given them an animation without end. */
const LONGEST_FOCUS_MS = 1_500;

/** @param root where it all goes, with nothing in it */
export function createView(root: ShadowRoot): View {
  const box = document.createElement('div');
  const text = part('text');
  const fallback = part('fallback');
  const status = document.createElement('div');
  status.role = 'status';
  fallback.append(document.createElement('slot'));
  box.className = 'root';
  box.append(text, fallback, status);
  root.adoptedStyleSheets = [styleSheet()];
  root.append(box);

  function enter(waiting: boolean, moving: boolean, announcement: string): void {
    box.classList.toggle('waiting', waiting);
    // Not to be read, selected or reached by keyboard while it is not what it will be.
    text.inert = moving;
    status.textContent = announcement;
  }

  return {
    wait(announcement) {
      enter(true, true, announcement);
      fallback.inert = true;
    },
    canvas() {
      const draw = createCanvas(text);
      return (moment) => {
        box.classList.remove('waiting');
        draw(moment);
      };
    },
    async focused(signal) {
      const moving = text.getAnimations({ subtree: true }).map(({ finished }) => finished);
      await Promise.race([Promise.allSettled(moving), pause(LONGEST_FOCUS_MS, signal)]);
    },
    rest(finished, announcement) {
      text.classList.remove('guess');
      text.textContent = finished;
      enter(false, false, announcement);
    },
    fallBack() {
      text.replaceChildren();
      enter(false, false, '');
      fallback.inert = false;
    },
  };
}

function part(name: string): HTMLElement {
  const element = document.createElement('div');
  element.part.add(name);
  return element;
}
