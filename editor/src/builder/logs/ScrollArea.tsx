import type { ReactNode, RefObject } from "react";

/** What scrolls can be scrolled by keyboard too: it takes the focus, and has a name. */
export function ScrollArea(props: {
  area?: RefObject<HTMLDivElement | null>;
  label: string;
  className?: string;
  onScroll?: () => void;
  children: ReactNode;
}) {
  const { area, label, className, onScroll, children } = props;
  return (
    <div
      ref={area}
      role="region"
      aria-label={label}
      // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- see above
      tabIndex={0}
      className={className}
      onScroll={onScroll}
    >
      {children}
    </div>
  );
}
