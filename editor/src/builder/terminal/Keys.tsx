import { useEffect, useState } from "react";
import { t } from "../../strings";
import { arrow, withCtrl } from "./keyCodes";
import type { ScreenHandle } from "./screen";
import css from "./terminal.module.css";

/** Keys that a phone does not have. */
export function Keys({ screen }: { screen: ScreenHandle }) {
  const [isCtrl, setCtrl] = useState(false);
  useEffect(() => {
    if (!isCtrl) {
      return;
    }
    screen.setOnTyped((typed) => {
      setCtrl(false);
      return withCtrl(typed) ?? typed;
    });
    return () => screen.setOnTyped(null);
  }, [isCtrl, screen]);
  const press = (data: string) => {
    screen.connection.send(data);
    screen.terminal.focus();
  };
  const pressArrow = (name: Parameters<typeof arrow>[0]) =>
    press(arrow(name, screen.terminal.modes.applicationCursorKeysMode));
  const key = (name: string, label: string | undefined, act: () => void) => (
    <button
      type="button"
      aria-label={label}
      className={css.key}
      // The keyboard on the screen stays where it is.
      onPointerDown={(event) => event.preventDefault()}
      onClick={act}
    >
      {name}
    </button>
  );
  return (
    <div role="toolbar" aria-label={t.terminal.keys.label} className={css.keys}>
      {key(t.terminal.keys.escape, undefined, () => press("\u001b"))}
      {key(t.terminal.keys.tab, undefined, () => press("\t"))}
      <button
        type="button"
        className={css.key}
        aria-pressed={isCtrl}
        onPointerDown={(event) => event.preventDefault()}
        onClick={() => {
          setCtrl(!isCtrl);
          screen.terminal.focus();
        }}
      >
        {t.terminal.keys.ctrl}
      </button>
      {key("^C", t.terminal.keys.interrupt, () => press("\u0003"))}
      {key("←", t.terminal.keys.left, () => pressArrow("left"))}
      {key("↑", t.terminal.keys.up, () => pressArrow("up"))}
      {key("↓", t.terminal.keys.down, () => pressArrow("down"))}
      {key("→", t.terminal.keys.right, () => pressArrow("right"))}
      {key("/", t.terminal.keys.slash, () => press("/"))}
      {key("|", t.terminal.keys.pipe, () => press("|"))}
    </div>
  );
}
