import {
  Code,
  Eye,
  History,
  MessageSquare,
  ScrollText,
  SquareTerminal,
} from "lucide-react";
import { useRef, type KeyboardEvent } from "react";
import { TABS, type Tab } from "../app/paths";
import { t } from "../strings";
import css from "./builder.module.css";

const ICONS = {
  chat: MessageSquare,
  preview: Eye,
  code: Code,
  terminal: SquareTerminal,
  logs: ScrollText,
  versions: History,
};

export type BarTab = Tab | "chat";

export interface TabBarProps {
  /** `all`: the chat too, on screens that show one thing at a time. */
  tabs: "all" | "views";
  shown: BarTab;
  onShow: (tab: BarTab) => void;
}

/** Arrows move the focus; Enter or Space shows: panes may be large (WAI-ARIA, "Tabs", manual activation). */
export function TabBar({ tabs, shown, onShow }: TabBarProps) {
  const list = useRef<HTMLDivElement>(null);
  const all: readonly BarTab[] = tabs === "all" ? ["chat", ...TABS] : TABS;

  const move = (event: KeyboardEvent) => {
    const buttons = [...(list.current?.querySelectorAll("button") ?? [])];
    const at = buttons.findIndex((button) => button === document.activeElement);
    const to = {
      ArrowRight: at + 1,
      ArrowLeft: at - 1,
      Home: 0,
      End: buttons.length - 1,
    }[event.key];
    if (at >= 0 && to !== undefined) {
      event.preventDefault();
      buttons.at(to % buttons.length)?.focus();
    }
  };

  return (
    <div
      ref={list}
      role="tablist"
      tabIndex={-1}
      aria-label={t.builder.tabsLabel}
      className={tabs === "all" ? css.bottomBar : css.tabBar}
      onKeyDown={move}
    >
      {all.map((tab) => {
        const Icon = ICONS[tab];
        return (
          <button
            key={tab}
            type="button"
            role="tab"
            id={`tab-${tab}`}
            aria-controls={`panel-${tab}`}
            aria-selected={tab === shown}
            tabIndex={tab === shown ? 0 : -1}
            className={css.tab}
            onClick={() => onShow(tab)}
          >
            <Icon aria-hidden="true" />
            <span>{t.builder.tabs[tab]}</span>
          </button>
        );
      })}
    </div>
  );
}
