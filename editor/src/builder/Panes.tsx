import { Suspense, useState } from "react";
import { ErrorBoundary } from "../app/ErrorBoundary";
import { lazy } from "../app/lazy";
import { TABS, type Tab } from "../app/paths";
import { Busy } from "../ui";
import css from "./builder.module.css";

const PANES = {
  preview: lazy(() => import("./preview/PreviewPane")),
  code: lazy(() => import("./code/CodePane")),
  terminal: lazy(() => import("./terminal/TerminalPane")),
  logs: lazy(() => import("./logs/LogsPane")),
  versions: lazy(() => import("./versions/VersionsPane")),
};

/** These keep what is in them while another is shown: a page, a shell, unsaved text. */
const KEPT: readonly Tab[] = ["preview", "code", "terminal"];

export function Panes({ shown }: { shown: Tab }) {
  const [visited, setVisited] = useState<readonly Tab[]>([shown]);
  if (!visited.includes(shown)) {
    setVisited([...visited, shown]);
  }
  return TABS.map((tab) => {
    const Pane = PANES[tab];
    const isThere =
      tab === shown || (KEPT.includes(tab) && visited.includes(tab));
    return (
      <div
        key={tab}
        role="tabpanel"
        id={`panel-${tab}`}
        aria-labelledby={`tab-${tab}`}
        hidden={tab !== shown}
        className={css.pane}
      >
        {isThere && (
          <ErrorBoundary>
            <Suspense fallback={<Busy />}>
              <Pane />
            </Suspense>
          </ErrorBoundary>
        )}
      </div>
    );
  });
}
