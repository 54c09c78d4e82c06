import { DropdownMenu as Radix } from "radix-ui";
import type { ReactNode } from "react";
import css from "./ui.module.css";

export interface MenuProps {
  /** One button. */
  trigger: ReactNode;
  align?: "start" | "end";
  children: ReactNode;
}

export function Menu({ trigger, align = "end", children }: MenuProps) {
  return (
    <Radix.Root>
      <Radix.Trigger asChild>{trigger}</Radix.Trigger>
      <Radix.Portal>
        <Radix.Content
          className={css.menu}
          align={align}
          sideOffset={4}
          collisionPadding={8}
        >
          {children}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

export interface MenuItemProps {
  icon?: ReactNode;
  danger?: boolean;
  disabled?: boolean;
  onSelect: () => void;
  children: ReactNode;
}

export function MenuItem({
  icon,
  danger,
  disabled,
  onSelect,
  children,
}: MenuItemProps) {
  return (
    <Radix.Item
      className={danger ? `${css.menuItem} ${css.menuDanger}` : css.menuItem}
      disabled={disabled}
      onSelect={onSelect}
    >
      {icon}
      {children}
    </Radix.Item>
  );
}

/** An item that is a link: to another site's page (in a new tab) or to a download. */
export function MenuLink({
  icon,
  href,
  newTab,
  download,
  children,
}: {
  icon?: ReactNode;
  href: string;
  newTab?: boolean;
  download?: boolean;
  children: ReactNode;
}) {
  return (
    <Radix.Item asChild className={css.menuItem}>
      <a
        href={href}
        download={download}
        {...(newTab
          ? {
              target: "_blank",
              rel: "noopener noreferrer",
            }
          : {})}
      >
        {icon}
        {children}
      </a>
    </Radix.Item>
  );
}

export function MenuLabel({ children }: { children: ReactNode }) {
  return <Radix.Label className={css.menuLabel}>{children}</Radix.Label>;
}

export interface MenuChoiceProps<T extends string> {
  label: string;
  value: T;
  options: { value: T; text: string; icon?: ReactNode }[];
  onChange: (value: T) => void;
}

/** One of several, the chosen one marked. */
export function MenuChoice<T extends string>(props: MenuChoiceProps<T>) {
  const { label, value, options, onChange } = props;
  return (
    <Radix.RadioGroup value={value} onValueChange={(v) => onChange(v as T)}>
      <Radix.Label className={css.menuLabel}>{label}</Radix.Label>
      {options.map((o) => (
        <Radix.RadioItem key={o.value} value={o.value} className={css.menuItem}>
          {o.icon}
          {o.text}
          <Radix.ItemIndicator>✓</Radix.ItemIndicator>
        </Radix.RadioItem>
      ))}
    </Radix.RadioGroup>
  );
}

export function MenuSeparator() {
  return <Radix.Separator className={css.menuSeparator} />;
}
