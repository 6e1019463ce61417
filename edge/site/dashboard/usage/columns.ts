/** Stacked columns, drawn by uPlot on a canvas in the colours of the page, by day and by night, at any width. */
import uPlot from 'uplot';

export interface Columns {
  /** Below each column. */
  readonly names: readonly string[];
  /** Parts of the columns from below to above: `parts[part][column]`. */
  readonly parts: readonly (readonly number[])[];
  /** An amount as people read it. */
  readonly shown: (amount: number) => string;
}

export interface Drawing {
  end(): void;
}

const HEIGHT = 260;
/** Of the axis with the amounts: '$0.000052' needs it. */
const AMOUNTS_WIDTH = 76;
const NAMES_HEIGHT = 32;
const NAMES_SPACE = 56;
const MOST_COLUMN_WIDTH = 36;

/** Draws into an element until it is ended. */
export function drawColumns(host: HTMLElement, columns: Columns): Drawing {
  const night = matchMedia('(prefers-color-scheme: dark)');
  const draw = () => new uPlot(options(host, columns), data(columns), host);
  let plot = draw();
  const redraw = () => {
    plot.destroy();
    plot = draw();
  };
  const observer = new ResizeObserver(() => plot.setSize({ width: widthOf(host), height: HEIGHT }));
  observer.observe(host);
  night.addEventListener('change', redraw);
  return {
    end() {
      observer.disconnect();
      night.removeEventListener('change', redraw);
      plot.destroy();
    },
  };
}

/** The sums up to each part, the largest first: what is drawn later covers what is below it. */
function data({ names, parts }: Columns): uPlot.AlignedData {
  const sums = parts.map((_, last) =>
    names.map((_, column) => parts.slice(0, last + 1).reduce((sum, part) => sum + part[column], 0)),
  );
  return [names.map((_, column) => column), ...sums.toReversed()];
}

function options(host: HTMLElement, { names, parts, shown }: Columns): uPlot.Options {
  const style = getComputedStyle(host);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  const font = `12px ${style.fontFamily}`;
  const axis = { stroke: colour('--soft'), font, ticks: { show: false }, border: { show: false } };
  const bars = uPlot.paths.bars?.({ size: [0.8, MOST_COLUMN_WIDTH], align: 0 });
  const series = parts.map((_, part) => ({
    fill: colour(`--series-${part + 1}`),
    width: 0,
    paths: bars,
    points: { show: false },
  }));
  return {
    width: widthOf(host),
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { time: false, range: () => [-0.6, names.length - 0.4] },
      y: { range: (_plot, _least, most) => [0, Math.max(1, most * 1.05)] },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        size: NAMES_HEIGHT,
        space: NAMES_SPACE,
        incrs: [1, 2, 5, 7, 14, 30, 60, 90],
        values: (_plot, splits) => splits.map((column) => names[column] ?? ''),
      },
      {
        ...axis,
        grid: { stroke: colour('--line'), width: 1 },
        size: AMOUNTS_WIDTH,
        // Nothing of what is shown comes in parts.
        incrs: [1, 2, 5]
          .flatMap((digit) => Array.from({ length: 13 }, (_, power) => digit * 10 ** power))
          .sort((a, b) => a - b),
        values: (_plot, splits) => splits.map(shown),
      },
    ],
    series: [{}, ...series.toReversed()],
  };
}

const widthOf = (host: HTMLElement) => Math.max(1, host.clientWidth);
