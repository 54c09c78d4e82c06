import { useEffect, useState, type RefObject } from "react";

/** How wide an element is, in CSS pixels; until it is known, as wide as the window. */
export function useWidth(box: RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(window.innerWidth);
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => {
      // A pane that is hidden has none.
      if (entry && entry.contentRect.width > 0) {
        setWidth(entry.contentRect.width);
      }
    });
    if (box.current) {
      observer.observe(box.current);
    }
    return () => observer.disconnect();
  }, [box]);
  return width;
}
