import { useState } from "react";
import { t } from "../../strings";
import { Button, Dialog } from "../../ui";
import { baseName } from "./files/paths";

/** Before a tab with unsaved changes is closed. */
export function CloseDialog({
  path,
  onSave,
  onDiscard,
  onCancel,
}: {
  path: string;
  onSave: () => Promise<void>;
  onDiscard: () => void;
  onCancel: () => void;
}) {
  const [busy, setBusy] = useState(false);
  return (
    <Dialog
      open
      onClose={onCancel}
      title={t.code.closeUnsavedTitle}
      description={t.code.closeUnsavedText(baseName(path))}
      actions={
        <>
          <Button onClick={onCancel}>{t.common.cancel}</Button>
          <Button onClick={onDiscard}>{t.code.closeUnsavedDiscard}</Button>
          <Button
            tone="primary"
            busy={busy}
            onClick={() => {
              setBusy(true);
              void onSave();
            }}
          >
            {t.code.closeUnsavedSave}
          </Button>
        </>
      }
    />
  );
}
