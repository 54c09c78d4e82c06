import { FileSearch } from "lucide-react";
import { Dialog as Radix } from "radix-ui";
import { useEffect, useMemo, useRef, useState } from "react";
import { Group, Panel, Separator, type Layout } from "react-resizable-panels";
import { useFiles } from "../../api/queries";
import { recall, remember } from "../../app/storage";
import { t } from "../../strings";
import { Button, Empty } from "../../ui";
import { useBuilder, useStore } from "../context";
import { isUnsaved } from "./buffers/machine";
import { CloseDialog } from "./CloseDialog";
import css from "./code.module.css";
import { CodeContext, type Code } from "./CodeContext";
import { useProjectTypes } from "./monaco/useProjectTypes";
import { QuickOpen } from "./search/QuickOpen";
import { sessionOf } from "./session";
import { Sidebar, type SidebarView } from "./Sidebar";
import { Toolbar } from "./Toolbar";
import { useFileActions } from "./useFileActions";
import { useFollow, useKeeping, usePaneKeys } from "./usePaneEffects";
import { useWidth } from "./useWidth";
import { useWritingPaths } from "./useWriting";
import { FileView, type FileAs } from "./views/FileView";

const LAYOUT = "code.layout";
const WRAP = "code.wrap";
const SIDEBAR = "code.sidebar";
const NARROW_PX = 620;

const isLayout = (value: unknown): value is Layout =>
  typeof value === "object" &&
  value !== null &&
  ["files", "editor"].every((id) => typeof (value as Layout)[id] === "number");
const isBoolean = (value: unknown): value is boolean =>
  typeof value === "boolean";

/** The drawer's first button would show its tooltip. */
function focusTree(event: Event): void {
  const row = (event.currentTarget as HTMLElement).querySelector(
    '[role="treeitem"][tabindex="0"]',
  );
  if (row instanceof HTMLElement) {
    event.preventDefault();
    row.focus();
  }
}

export default function CodePane() {
  const builder = useBuilder();
  const session = sessionOf(builder.projectId);
  const files = useFiles(builder.projectId);
  const tabs = useStore(session);
  const writing = useWritingPaths(builder.conversation);
  const actions = useFileActions(session);
  const request = useStore(builder.fileRequest);
  const box = useRef<HTMLDivElement>(null);
  const isNarrow = useWidth(box) < NARROW_PX;
  const [wordWrap, setWordWrap] = useState(
    () => recall(WRAP, isBoolean) ?? false,
  );
  const [sidebar, setSidebar] = useState(
    () => recall(SIDEBAR, isBoolean) ?? true,
  );
  const [drawer, setDrawer] = useState(false);
  const [view, setView] = useState<SidebarView>("files");
  const [quickOpen, setQuickOpen] = useState(false);
  const [aside, setAside] = useState<{ path: string; as: FileAs } | null>(null);
  const [closing, setClosing] = useState<string | null>(null);
  const [layout] = useState(() => recall(LAYOUT, isLayout));

  useFollow(session, builder, files.data);
  useKeeping(session);
  useProjectTypes(session, files.data);

  useEffect(() => {
    if (request) {
      session.open(request.path, request.at);
    }
  }, [session, request]);

  const code = useMemo(
    (): Code => ({
      session,
      list: files.data,
      writing,
      actions,
      open(path, at) {
        session.open(path, at);
        setDrawer(false);
      },
      close(path) {
        const state = session.buffers.get(path)?.state;
        if (state && isUnsaved(state)) {
          setClosing(path);
        } else {
          session.close(path);
        }
      },
      save: (paths) => void session.buffers.save(paths),
    }),
    [session, files.data, writing, actions],
  );

  const { active } = tabs;
  const shownAs = aside && aside.path === active ? aside.as : "text";
  const showAs = (as: FileAs) =>
    setAside(active && as !== "text" ? { path: active, as } : null);
  const hasSidebar = isNarrow ? drawer : sidebar;
  const showSidebar = (isShown: boolean) => {
    if (isNarrow) {
      setDrawer(isShown);
    } else {
      setSidebar(isShown);
      remember(SIDEBAR, isShown);
    }
  };
  usePaneKeys(builder.tab === "code", {
    save: () => active && code.save([active]),
    saveAll: () => code.save(session.buffers.unsaved()),
    quickOpen: () => setQuickOpen(true),
    search: () => {
      showSidebar(true);
      setView("search");
      box.current?.querySelector<HTMLElement>("input[type=search]")?.focus();
    },
    format: () => session.commands?.format(),
  });

  const sidebarContent = (
    <Sidebar
      view={view}
      onView={setView}
      error={files.error}
      onRetry={() => void files.refetch()}
    />
  );
  return (
    <CodeContext value={code}>
      <div ref={box} className={css.pane}>
        <Group
          className={css.group}
          defaultLayout={layout ?? undefined}
          onLayoutChanged={(next, meta) => {
            if (meta.isUserInteraction && isLayout(next)) {
              remember(LAYOUT, next);
            }
          }}
        >
          {!isNarrow && sidebar && (
            <>
              <Panel id="files" defaultSize="26%" minSize="160px" maxSize="60%">
                {sidebarContent}
              </Panel>
              <Separator
                className={css.separator}
                aria-label={t.code.resizeSidebar}
              />
            </>
          )}
          <Panel id="editor" minSize="240px">
            <div className={css.main}>
              <Toolbar
                hasSidebar={hasSidebar}
                onSidebar={() => showSidebar(!hasSidebar)}
                wordWrap={wordWrap}
                onWordWrap={() => {
                  setWordWrap(!wordWrap);
                  remember(WRAP, !wordWrap);
                }}
                shownAs={shownAs}
                onShowAs={showAs}
                onQuickOpen={() => setQuickOpen(true)}
              />
              {active ? (
                <FileView
                  path={active}
                  wordWrap={wordWrap}
                  shownAs={shownAs}
                  onShowAs={showAs}
                />
              ) : (
                <Empty
                  icon={<FileSearch aria-hidden="true" />}
                  title={t.code.nothingOpenTitle}
                  action={
                    (files.data?.items.length ?? 0) > 0 && (
                      <Button onClick={() => setQuickOpen(true)}>
                        {t.code.quickOpen}
                      </Button>
                    )
                  }
                >
                  {t.code.nothingOpenText}
                </Empty>
              )}
            </div>
          </Panel>
        </Group>
      </div>
      <Radix.Root open={isNarrow && drawer} onOpenChange={setDrawer}>
        <Radix.Portal>
          <Radix.Overlay className={css.drawerOverlay} />
          <Radix.Content
            className={css.drawer}
            onOpenAutoFocus={focusTree}
            aria-describedby={undefined}
          >
            <Radix.Title className="visually-hidden">
              {t.code.sidebar}
            </Radix.Title>
            {sidebarContent}
          </Radix.Content>
        </Radix.Portal>
      </Radix.Root>
      {quickOpen && (
        <QuickOpen
          paths={files.data?.items.map((file) => file.path) ?? []}
          recent={tabs.recent}
          onPick={(path) => code.open(path)}
          onClose={() => setQuickOpen(false)}
        />
      )}
      {closing && (
        <CloseDialog
          path={closing}
          onCancel={() => setClosing(null)}
          onDiscard={() => {
            session.close(closing);
            setClosing(null);
          }}
          onSave={async () => {
            await session.buffers.save([closing]);
            const state = session.buffers.get(closing)?.state;
            if (state === "clean") {
              session.close(closing);
            }
            setClosing(null);
          }}
        />
      )}
    </CodeContext>
  );
}
