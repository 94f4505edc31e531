import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Pages } from "../lib/pages";
import { Loading, Problem } from "./parts";

const SPARE_ROWS = 8;
/** Browsers cut elements off past some 16 to 33 million pixels. */
const TALLEST = 15_000_000;

const seenOf = (box: HTMLElement) => ({ top: box.scrollTop, height: box.clientHeight, head: box.querySelector<HTMLElement>(".vhead")?.offsetHeight ?? 0 });

/** A list of any length of which only what is seen stands in the page. The row that has the focus stays where it is,
 * and the next page is asked for before its place is reached. */
export function VirtualList<T>({ pages, row, rowHeight, layout, head, empty, label, key_ }: {
  pages: Pages<T>;
  row: (item: T) => { href?: string; cells: ComponentChildren };
  rowHeight: number;
  /** The class that lays out a row's cells. */
  layout: string;
  head: ComponentChildren;
  empty: ComponentChildren;
  label: string;
  key_: (item: T) => string;
}) {
  const box = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 800, head: 0 });
  const { items, loading, error, isEnd, more } = pages;
  useLayoutEffect(() => {
    const place = box.current;
    if (!place) return;
    const look = () => setView(seenOf(place));
    look();
    const watch = new ResizeObserver(look);
    watch.observe(place);
    return () => watch.disconnect();
  }, []);
  const tall = items.length * rowHeight;
  const height = Math.min(TALLEST, tall);
  // What is taller than a browser can lay out is scrolled over faster: `top` is where we are in the whole of it.
  const beneath = view.height - view.head;
  const top = height < tall ? (view.top * (tall - beneath)) / (height - beneath) : view.top;
  const first = Math.max(0, Math.floor(top / rowHeight) - SPARE_ROWS);
  const last = Math.min(items.length, Math.ceil((top + view.height) / rowHeight) + SPARE_ROWS);
  useEffect(() => {
    if (last + 30 >= items.length && !loading && !isEnd && !error) more();
  }, [last, items.length, loading, isEnd, error]);
  const isEmpty = !items.length && isEnd;
  const isTall = items.length > 0 || loading;
  return (
    <div
      ref={box}
      class={`vlist${isTall ? " tall" : ""}`}
      role="region"
      aria-label={label}
      aria-busy={loading}
      tabIndex={0}
      onScroll={(event) => setView(seenOf(event.currentTarget))}
    >
      {!isEmpty && (
        <div class={`vhead ${layout}`} aria-hidden="true">
          {head}
        </div>
      )}
      <div role="list" style={{ position: "relative", height: `${height}px` }}>
        {items.slice(first, last).map((item, index) => {
          const { href, cells } = row(item);
          const place = { top: `${(first + index) * rowHeight - top + view.top}px`, height: `${rowHeight}px` };
          return (
            <div key={key_(item)} role="listitem" aria-posinset={first + index + 1} aria-setsize={pages.total ?? -1}>
              {href ? (
                <a class={`vrow ${layout}`} href={href} style={place}>
                  {cells}
                </a>
              ) : (
                <div class={`vrow ${layout}`} style={place}>
                  {cells}
                </div>
              )}
            </div>
          );
        })}
      </div>
      {loading && <Loading lines={items.length ? 2 : 8} />}
      {error && <Problem error={error} again={items.length ? more : pages.reload} />}
      {isEmpty && empty}
    </div>
  );
}
