/** What a page sees of its widgets, from before the first script on: their events, and how far things moved. */
import type { Page } from 'playwright-core';

export interface Told {
  /** Id of the element. */
  readonly id: string;
  readonly type: string;
  readonly detail: { readonly text?: string; readonly code?: string; readonly step?: number; readonly masks?: number };
  /** Milliseconds. */
  readonly at: number;
}

interface Watching {
  told: Told[];
  shifted: number;
  parts: Set<string>;
}
declare global {
  interface Window {
    watching: Watching;
  }
}

/** To be called before the page is opened. */
export async function watchWidgets(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const watching: Watching = { told: [], shifted: 0, parts: new Set() };
    window.watching = watching;
    for (const type of ['maskwright-step', 'maskwright-done', 'maskwright-error']) {
      addEventListener(type, (event) => {
        const element = event.target as HTMLElement;
        const { detail } = event as CustomEvent;
        const { text, code, step, masks } = detail;
        watching.told.push({ id: element.id, type, detail: { text, code, step, masks }, at: performance.now() });
        for (const inside of element.shadowRoot?.querySelectorAll('[part]') ?? []) {
          for (const part of inside.part) watching.parts.add(part);
        }
      });
    }
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) watching.shifted += (entry as PerformanceEntry & { value: number }).value;
    }).observe({ type: 'layout-shift', buffered: true });
  });
}

/** Waits until each of these widgets is at rest or has failed. */
export async function rest(page: Page, ...ids: readonly string[]): Promise<void> {
  await page.waitForFunction(
    (ids) => ids.every((id) => window.watching.told.some((one) => one.id === id && /done|error/.test(one.type))),
    ids,
  );
}

/** Waits until nothing comes into focus or goes out of it any more, and nothing is out of it. */
export async function focused(page: Page, id: string): Promise<void> {
  await page.waitForFunction((id) => {
    const root = document.getElementById(id)!.shadowRoot!;
    const parts = [...root.querySelectorAll('[part]')];
    return root.getAnimations().length === 0 && parts.every((part) => getComputedStyle(part).filter === 'none');
  }, id);
}

export const told = (page: Page) => page.evaluate(() => window.watching.told);
/** The sum of Chromium's layout shifts. */
export const shifted = (page: Page) => page.evaluate(() => window.watching.shifted);
/** Names of parts that there were at any time. */
export const partsSeen = (page: Page) => page.evaluate(() => [...window.watching.parts].sort());

/** What stands in a widget: its text, and the nodes that it is made of. */
export async function standing(page: Page, id: string) {
  return await page.evaluate((id) => {
    const element = document.getElementById(id)!;
    const text = element.shadowRoot!.querySelector<HTMLElement>('[part=text]')!;
    const fallback = element.shadowRoot!.querySelector<HTMLElement>('[part=fallback]')!;
    return {
      text: text.textContent,
      nodes: [...text.childNodes].map(({ nodeType }) => nodeType),
      inert: text.inert,
      fallback: { seen: getComputedStyle(fallback).visibility === 'visible', inert: fallback.inert },
      status: element.shadowRoot!.querySelector('[role=status]')!.textContent,
      value: (element as HTMLElement & { value: string }).value,
    };
  }, id);
}
