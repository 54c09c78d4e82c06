import {
  ArrowLeft,
  ArrowRight,
  ExternalLink,
  Monitor,
  RotateCw,
  Smartphone,
  SquareChevronRight,
  Tablet,
} from "lucide-react";
import { useState, type FormEvent } from "react";
import { t } from "../../strings";
import { buttonClass, IconButton, Tooltip } from "../../ui";
import { openUrl, typedPath } from "./address";
import { DEVICES, type Device } from "./devices";
import css from "./preview.module.css";
import type { Frame } from "./useFrame";

const DEVICE_ICONS = { desktop: Monitor, tablet: Tablet, phone: Smartphone };

function Address({ frame, previewUrl }: { frame: Frame; previewUrl: string }) {
  // null: nobody is typing, the page's own path is shown.
  const [typed, setTyped] = useState<string | null>(null);
  const [isWrong, setWrong] = useState(false);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const path = typedPath(typed ?? frame.path, previewUrl);
    if (path === null) {
      setWrong(true);
      return;
    }
    setTyped(null);
    frame.go(path);
  };
  return (
    <form className={css.address} onSubmit={submit}>
      <input
        type="text"
        aria-label={t.preview.address}
        aria-invalid={isWrong || undefined}
        aria-describedby={isWrong ? "preview-address-error" : undefined}
        spellCheck={false}
        autoComplete="off"
        autoCapitalize="off"
        enterKeyHint="go"
        value={typed ?? frame.path}
        onFocus={(event) => event.currentTarget.select()}
        onChange={(event) => {
          setTyped(event.currentTarget.value);
          setWrong(false);
        }}
        onKeyDown={(event) => {
          if (event.key === "Escape") {
            setTyped(null);
            setWrong(false);
          }
        }}
        onBlur={() => {
          setTyped(null);
          setWrong(false);
        }}
      />
      {isWrong && (
        <span
          id="preview-address-error"
          role="alert"
          className={css.addressError}
        >
          {t.preview.addressWrong}
        </span>
      )}
    </form>
  );
}

function Devices({
  device,
  onDevice,
}: {
  device: Device;
  onDevice: (device: Device) => void;
}) {
  return (
    <div role="group" aria-label={t.preview.width} className={css.devices}>
      {(Object.keys(DEVICES) as Device[]).map((name) => {
        const Icon = DEVICE_ICONS[name];
        return (
          <IconButton
            key={name}
            size="small"
            label={t.preview.devices[name]}
            icon={<Icon aria-hidden="true" />}
            aria-pressed={device === name}
            onClick={() => onDevice(name)}
          />
        );
      })}
    </div>
  );
}

export interface ToolbarProps {
  frame: Frame;
  previewUrl: string;
  slug: string;
  /** There is a page to lead. */
  isOn: boolean;
  device: Device;
  onDevice: (device: Device) => void;
  errors: number;
  hasConsole: boolean;
  onConsole: () => void;
}

export function Toolbar(props: ToolbarProps) {
  const { frame, previewUrl, slug, isOn, errors } = props;
  return (
    <div role="toolbar" aria-label={t.preview.toolbar} className={css.toolbar}>
      <IconButton
        size="small"
        className={css.wideOnly}
        label={t.preview.back}
        icon={<ArrowLeft aria-hidden="true" />}
        disabled={!isOn || !frame.can.back}
        onClick={frame.back}
      />
      <IconButton
        size="small"
        className={css.wideOnly}
        label={t.preview.forward}
        icon={<ArrowRight aria-hidden="true" />}
        disabled={!isOn || !frame.can.forward}
        onClick={frame.forward}
      />
      <IconButton
        size="small"
        label={t.preview.reload}
        icon={<RotateCw aria-hidden="true" />}
        disabled={!isOn}
        onClick={frame.reload}
      />
      <Address frame={frame} previewUrl={previewUrl} />
      <Tooltip text={t.preview.newTab}>
        <a
          href={openUrl(slug, frame.path)}
          target="_blank"
          rel="noopener noreferrer"
          aria-label={t.preview.newTab}
          className={buttonClass("ghost", "small", css.square)}
        >
          <ExternalLink aria-hidden="true" />
        </a>
      </Tooltip>
      <Devices device={props.device} onDevice={props.onDevice} />
      <button
        type="button"
        className={buttonClass("ghost", "small", css.consoleButton)}
        aria-expanded={props.hasConsole}
        aria-controls="preview-console"
        onClick={props.onConsole}
      >
        <SquareChevronRight aria-hidden="true" />
        <span className={css.word}>{t.preview.console}</span>
        {errors > 0 && (
          <span className={css.errorCount}>
            {errors > 99 ? "99+" : errors}
            <span className="visually-hidden"> {t.preview.errors(errors)}</span>
          </span>
        )}
      </button>
    </div>
  );
}
