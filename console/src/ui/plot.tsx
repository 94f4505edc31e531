/** Plots by uPlot, drawn in the colours of the page and again when those change. */
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { useEffect, useRef } from "preact/hooks";
import { colour, colours } from "../lib/theme";
import { short } from "../lib/format";

export interface Series {
  name: string;
  values: (number | null)[];
  /** A colour that styles/base.css names. */
  colour: string;
  kind?: "bars" | "line" | "dashes";
}

interface Props {
  /** What stands below each place, from left to right. */
  labels: string[];
  series: Series[];
  height?: number;
  /** What a screen reader says of it; the table beside it has the figures. */
  label: string;
  say?: (value: number) => string;
  /** How wide a bar is, as a share of its place. */
  barWidth?: number;
}

/** Counts have no quarters. */
const STEPS = [1, 2, 5].flatMap((each) => Array.from({ length: 10 }, (_, power) => each * 10 ** power)).sort((a, b) => a - b);

export function Plot({ labels, series, height = 220, label, say = short, barWidth = 0.62 }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const drawn = colours.value;
  useEffect(() => {
    const place = box.current!;
    const options = optionsOf({ labels, series, height, label, say, barWidth }, place.clientWidth);
    const data = [labels.map((_, index) => index), ...series.map((each) => each.values)] as uPlot.AlignedData;
    const plot = new uPlot(options, data, place);
    const watch = new ResizeObserver(() => plot.setSize({ width: place.clientWidth, height }));
    watch.observe(place);
    return () => {
      watch.disconnect();
      plot.destroy();
    };
  }, [labels, series, height, drawn]);
  return (
    <figure class="plot" role="img" aria-label={label} style={{ minHeight: `${height}px` }}>
      <div ref={box} />
    </figure>
  );
}

function optionsOf({ labels, series, height, say, barWidth }: Required<Props>, width: number): uPlot.Options {
  const [text, line] = [colour("faint"), colour("line")];
  const font = '11.5px "Inter Variable", system-ui, sans-serif';
  return {
    width,
    height,
    padding: [8, 8, 0, 0],
    legend: { show: false },
    cursor: { points: { show: series.some((each) => each.kind === "line") }, drag: { x: false, y: false }, y: false },
    scales: { x: { time: false, range: [-0.6, labels.length - 0.4] }, y: { range: (_, _low, high) => [0, high > 0 ? high * 1.12 : 1] } },
    axes: [
      {
        stroke: text, font, size: 28, gap: 6, grid: { show: false }, ticks: { show: false }, space: 64,
        incrs: [1, 2, 3, 4, 6, 7, 12, 14, 28], values: (_, places) => places.map((place) => labels[place] ?? ""),
      },
      { stroke: text, font, size: 44, gap: 8, grid: { stroke: line, width: 1 }, ticks: { show: false }, space: 44, incrs: STEPS, values: (_, places) => places.map((place) => say(place)) },
    ],
    series: [
      {},
      ...series.map((each): uPlot.Series => {
        const stroke = colour(each.colour);
        const shared = { label: each.name, stroke, points: { show: false } };
        if (each.kind === "line") return { ...shared, width: 2, points: { show: labels.length < 2 } };
        if (each.kind === "dashes") return { ...shared, width: 1.5, dash: [5, 4] };
        // Bars stand on one another's place, the later ones in front: totals first, then their parts.
        return { ...shared, width: 0, fill: stroke, paths: uPlot.paths.bars!({ size: [barWidth, 34], radius: 0.18 }) };
      }),
    ],
    plugins: [tip(labels, series, say)],
  };
}

/** A small box beside the pointer that says the values of its place. */
function tip(labels: string[], series: Series[], say: (value: number) => string): uPlot.Plugin {
  const box = document.createElement("div");
  box.className = "plot-tip";
  box.hidden = true;
  return {
    hooks: {
      init: (plot) => {
        plot.over.append(box);
        plot.over.addEventListener("mouseleave", () => (box.hidden = true));
      },
      setCursor: (plot) => {
        const { idx, left } = plot.cursor;
        if (idx === null || idx === undefined || left === undefined || left < 0) {
          box.hidden = true;
          return;
        }
        box.hidden = false;
        const lines = series.map(({ name, values, colour }) => {
          const line = document.createElement("div");
          const key = document.createElement("span");
          key.className = "key";
          key.style.background = `var(--${colour})`;
          const value = values[idx];
          line.append(key, ` ${name} `, Object.assign(document.createElement("b"), { textContent: value === null || value === undefined ? "–" : say(value) }));
          return line;
        });
        box.replaceChildren(Object.assign(document.createElement("strong"), { textContent: labels[idx] ?? "" }), ...lines);
        const isRight = left > plot.over.clientWidth / 2;
        box.style.left = `${left + (isRight ? -12 : 12)}px`;
        box.style.transform = isRight ? "translateX(-100%)" : "";
      },
    },
  };
}
