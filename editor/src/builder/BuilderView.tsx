import { useMemo, useState } from "react";
import { Group, Panel, Separator, type Layout } from "react-resizable-panels";
import type { Project } from "../api/types";
import { ErrorBoundary } from "../app/ErrorBoundary";
import type { Tab } from "../app/paths";
import { recall, remember } from "../app/storage";
import { t } from "../strings";
import { BuilderContext, type Builder } from "./context";
import { Chat } from "./chat/Chat";
import css from "./builder.module.css";
import { Panes } from "./Panes";
import { TabBar } from "./TabBar";
import { TopBar } from "./TopBar";
import { useMedia } from "./useMedia";
import { useStores } from "./useStores";
import { useProjectTitle } from "./useProjectTitle";

const LAYOUT = "builder.layout";

const isLayout = (value: unknown): value is Layout =>
  typeof value === "object" &&
  value !== null &&
  ["chat", "view"].every((id) => typeof (value as Layout)[id] === "number");

export interface BuilderViewProps {
  project: Project;
  tab: Tab;
  /** The address names the tab. */
  isTabGiven: boolean;
  onTab: (tab: Tab) => void;
}

export function BuilderView(props: BuilderViewProps) {
  const { project, tab, isTabGiven, onTab } = props;
  const stores = useStores(project.id);
  const isNarrow = useMedia("(max-width: 799px)");
  // On a narrow screen one thing is shown at a time, and the chat first.
  const [chatInFront, setChatInFront] = useState(!isTabGiven);
  const [layout] = useState(() => recall(LAYOUT, isLayout));
  useProjectTitle(project, stores);

  const builder = useMemo((): Builder => {
    const show = (next: Tab) => {
      setChatInFront(false);
      onTab(next);
    };
    return {
      ...stores,
      projectId: project.id,
      tab,
      show,
      openFile(path, at) {
        const before = stores.fileRequest.getSnapshot();
        stores.fileRequest.set({
          path,
          at: at ?? null,
          count: (before?.count ?? 0) + 1,
        });
        show("code");
      },
    };
  }, [stores, project.id, tab, onTab]);

  const tabBar = (
    <TabBar
      tabs={isNarrow ? "all" : "views"}
      shown={isNarrow && chatInFront ? "chat" : tab}
      onShow={(next) =>
        next === "chat" ? setChatInFront(true) : builder.show(next)
      }
    />
  );
  return (
    <BuilderContext value={builder}>
      <div
        className={css.page}
        data-narrow={isNarrow || undefined}
        data-front={chatInFront ? "chat" : "view"}
      >
        <TopBar project={project} />
        <main className={css.body}>
          <Group
            className={css.group}
            defaultLayout={layout ?? undefined}
            disabled={isNarrow}
            onLayoutChanged={(next, meta) => {
              if (meta.isUserInteraction && !isNarrow) {
                remember(LAYOUT, next);
              }
            }}
          >
            <Panel
              id="chat"
              defaultSize="34%"
              minSize="300px"
              className={css.chat}
            >
              <section
                id="panel-chat"
                role={isNarrow ? "tabpanel" : undefined}
                aria-label={t.builder.tabs.chat}
                className={css.fill}
              >
                <ErrorBoundary>
                  <Chat />
                </ErrorBoundary>
              </section>
            </Panel>
            <Separator
              className={css.separator}
              aria-label={t.builder.resizeChat}
            />
            <Panel id="view" minSize="320px" className={css.view}>
              {!isNarrow && tabBar}
              <div className={css.fill}>
                <Panes shown={tab} />
              </div>
            </Panel>
          </Group>
          {isNarrow && tabBar}
        </main>
      </div>
    </BuilderContext>
  );
}
