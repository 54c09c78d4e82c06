import {
  Ellipsis,
  FileCode,
  FileSearch,
  GitCompare,
  Image,
  PanelLeft,
  Save,
  SaveAll,
  Sparkles,
  WrapText,
} from "lucide-react";
import { t } from "../../strings";
import { Button, IconButton, Menu, MenuItem, toast } from "../../ui";
import { useStore } from "../context";
import { isUnsaved } from "./buffers/machine";
import css from "./code.module.css";
import { useCode } from "./CodeContext";
import { FileTabs } from "./FileTabs";
import { isDrawing } from "./files/kind";
import type { FileAs } from "./views/FileView";

export interface ToolbarProps {
  hasSidebar: boolean;
  onSidebar: () => void;
  wordWrap: boolean;
  onWordWrap: () => void;
  shownAs: FileAs;
  onShowAs: (as: FileAs) => void;
  onQuickOpen: () => void;
}

/** The open files, and what can be done with the one that is shown. */
export function Toolbar(props: ToolbarProps) {
  const { session, save } = useCode();
  const { active } = useStore(session);
  const buffers = useStore(session.buffers);
  const buffer = active ? buffers.get(active) : undefined;
  const unsaved = [...buffers.values()].filter((b) => isUnsaved(b.state));
  const format = () => {
    if (session.commands?.canFormat) {
      session.commands.format();
    } else {
      toast({ text: t.code.formatNone });
    }
  };
  const { shownAs, onShowAs } = props;
  const toggle = (as: FileAs) => onShowAs(shownAs === as ? "text" : as);
  const isSaving = buffer?.state === "saving";
  return (
    <div className={css.toolbar}>
      <IconButton
        size="small"
        label={props.hasSidebar ? t.code.hideSidebar : t.code.showSidebar}
        icon={<PanelLeft />}
        aria-expanded={props.hasSidebar}
        onClick={props.onSidebar}
      />
      <FileTabs />
      <Button
        size="small"
        tone="ghost"
        aria-label={t.code.save}
        disabled={
          !buffer || !(buffer.state === "dirty" || buffer.state === "unsent")
        }
        busy={isSaving}
        onClick={() => active && save([active])}
      >
        {!isSaving && <Save aria-hidden="true" />}
        <span className={css.saveText}>{t.code.save}</span>
      </Button>
      <Menu
        trigger={
          <IconButton size="small" label={t.code.more} icon={<Ellipsis />} />
        }
      >
        <MenuItem
          icon={<SaveAll />}
          disabled={unsaved.length === 0}
          onSelect={() => save(unsaved.map((b) => b.path))}
        >
          {t.code.saveAll}
        </MenuItem>
        <MenuItem icon={<Sparkles />} disabled={!buffer} onSelect={format}>
          {t.code.format}
        </MenuItem>
        <MenuItem
          icon={<GitCompare />}
          disabled={!buffer}
          onSelect={() => toggle("comparison")}
        >
          {shownAs === "comparison" ? t.code.compareStop : t.code.compare}
        </MenuItem>
        {active && isDrawing(active) && (
          <MenuItem
            icon={shownAs === "picture" ? <FileCode /> : <Image />}
            disabled={!buffer}
            onSelect={() => toggle("picture")}
          >
            {shownAs === "picture" ? t.code.asText : t.code.asPicture}
          </MenuItem>
        )}
        <MenuItem icon={<WrapText />} onSelect={props.onWordWrap}>
          {props.wordWrap ? t.code.noWordWrap : t.code.wordWrap}
        </MenuItem>
        <MenuItem icon={<FileSearch />} onSelect={props.onQuickOpen}>
          {t.code.quickOpen}
        </MenuItem>
      </Menu>
    </div>
  );
}
