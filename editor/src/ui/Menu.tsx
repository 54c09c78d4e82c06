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
			className={
				danger
					? `${css.menuItem} ${css.menuDanger}`
					: css.menuItem
			}
			disabled={disabled}
			onSelect={onSelect}
		>
			{icon}
			{children}
		</Radix.Item>
	);
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
		<Radix.RadioGroup
			value={value}
			onValueChange={(v) => onChange(v as T)}
		>
			<Radix.Label className={css.menuLabel}>
				{label}
			</Radix.Label>
			{options.map((o) => (
				<Radix.RadioItem
					key={o.value}
					value={o.value}
					className={css.menuItem}
				>
					{o.icon}
					{o.text}
					<Radix.ItemIndicator>
						✓
					</Radix.ItemIndicator>
				</Radix.RadioItem>
			))}
		</Radix.RadioGroup>
	);
}

export function MenuSeparator() {
	return <Radix.Separator className={css.menuSeparator} />;
}
