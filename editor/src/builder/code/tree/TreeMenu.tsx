import {
  Clipboard,
  Download,
  FilePlus,
  Pencil,
  Trash2,
  Upload,
} from "lucide-react";
import { ContextMenu } from "radix-ui";
import type { ReactNode } from "react";
import { t } from "../../../strings";
import { toast } from "../../../ui";
import ui from "../../../ui/ui.module.css";
import { useCode } from "../CodeContext";
import { dirName } from "../files/paths";
import type { TreeNode } from "./tree";

function Item(props: {
  icon: ReactNode;
  danger?: boolean;
  onSelect: () => void;
  children: ReactNode;
}) {
  return (
    <ContextMenu.Item
      className={props.danger ? `${ui.menuItem} ${ui.menuDanger}` : ui.menuItem}
      onSelect={props.onSelect}
    >
      {props.icon}
      {props.children}
    </ContextMenu.Item>
  );
}

export interface TreeMenuProps {
  /** What was clicked on; null: the empty space. */
  target: TreeNode | null;
  onCreate: (dir: string) => void;
  onRename: (node: TreeNode) => void;
  onRemove: (node: TreeNode) => void;
  onUpload: (dir: string) => void;
  children: ReactNode;
}

async function copy(path: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(path);
    toast({ text: t.common.copied });
  } catch {
    toast({ text: t.common.copyFailed, tone: "bad" });
  }
}

/** What can be done with a row, by right click, long press or its button. */
export function TreeMenu(props: TreeMenuProps) {
  const { target, onCreate, onRename, onRemove, onUpload } = props;
  const { session } = useCode();
  const dir =
    target?.kind === "folder" ? target.path : dirName(target?.path ?? "");
  return (
    <ContextMenu.Root>
      <ContextMenu.Trigger asChild>{props.children}</ContextMenu.Trigger>
      <ContextMenu.Portal>
        <ContextMenu.Content className={ui.menu} collisionPadding={8}>
          <Item icon={<FilePlus />} onSelect={() => onCreate(dir)}>
            {dir ? t.code.newFileHere : t.code.newFile}
          </Item>
          <Item icon={<Upload />} onSelect={() => onUpload(dir)}>
            {dir ? t.code.uploadHere : t.code.upload}
          </Item>
          {target && (
            <>
              <ContextMenu.Separator className={ui.menuSeparator} />
              <Item icon={<Pencil />} onSelect={() => onRename(target)}>
                {t.code.rename}
              </Item>
              <Item
                icon={<Clipboard />}
                onSelect={() => void copy(target.path)}
              >
                {t.code.copyPath}
              </Item>
              {target.kind === "file" && (
                <ContextMenu.Item asChild className={ui.menuItem}>
                  <a
                    href={session.files.url(target.path)}
                    download={target.name}
                  >
                    <Download />
                    {t.code.download}
                  </a>
                </ContextMenu.Item>
              )}
              <Item danger icon={<Trash2 />} onSelect={() => onRemove(target)}>
                {t.code.remove}
              </Item>
            </>
          )}
        </ContextMenu.Content>
      </ContextMenu.Portal>
    </ContextMenu.Root>
  );
}
