import { Tooltip as Radix } from "radix-ui";
import type { ReactNode } from "react";
import css from "./ui.module.css";

/** `children` is one element that can have the focus and a name of its own: the text only repeats it. */
export function Tooltip({
  text,
  children,
}: {
  text: string;
  children: ReactNode;
}) {
  return (
    <Radix.Root>
      <Radix.Trigger asChild>{children}</Radix.Trigger>
      <Radix.Portal>
        <Radix.Content
          className={css.tooltip}
          sideOffset={6}
          collisionPadding={8}
        >
          {text}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

export function TooltipProvider({ children }: { children: ReactNode }) {
  return (
    <Radix.Provider delayDuration={500} disableHoverableContent>
      {children}
    </Radix.Provider>
  );
}
