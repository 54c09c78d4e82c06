import { useLayoutEffect, useRef, useState } from "react";
import { t } from "../../strings";
import { DEVICES, fit, type Device, type Size } from "./devices";
import css from "./preview.module.css";
import type { Frame } from "./useFrame";

/**
 * The app is a page of another origin (a host name of its own), so allow-same-origin gives it its own
 * cookies and storage and nothing of ours. Left out: leading the window around it anywhere.
 */
const SANDBOX = [
  "allow-scripts",
  "allow-same-origin",
  "allow-forms",
  "allow-modals",
  "allow-popups",
  "allow-popups-to-escape-sandbox",
  "allow-downloads",
  "allow-pointer-lock",
].join(" ");

const MARGIN = 16; // around a device

function useRoom() {
  const ref = useRef<HTMLDivElement>(null);
  const [room, setRoom] = useState<Size>({ width: 0, height: 0 });
  useLayoutEffect(() => {
    const element = ref.current!;
    const measure = () => {
      const { clientWidth: width, clientHeight: height } = element;
      // 0 while another pane is shown: the page keeps its size.
      if (width > 0 && height > 0) {
        setRoom((old) =>
          old.width === width && old.height === height
            ? old
            : { width, height },
        );
      }
    };
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    measure();
    return () => observer.disconnect();
  }, []);
  return { ref, room };
}

/** Narrower than this a page is as wide as it can be. */
const NARROW_PX = 420;

export function FrameView({
  frame,
  device: wanted,
}: {
  frame: Frame;
  device: Device;
}) {
  const { attach, entry, isLoading, onLoad } = frame;
  const { ref, room } = useRoom();
  const device = room.width < NARROW_PX ? "desktop" : wanted;
  const margin = DEVICES[device] ? MARGIN : 0;
  const { width, height, scale } = fit(device, {
    width: room.width - 2 * margin,
    height: room.height - 2 * margin,
  });
  return (
    <div ref={ref} className={css.room} data-device={device}>
      {isLoading && (
        <div
          className={css.loadingBar}
          role="progressbar"
          aria-label={t.preview.loading}
        />
      )}
      <div
        className={css.device}
        style={{
          width: width * scale,
          height: height * scale,
        }}
      >
        {entry && (
          <iframe
            key={entry.n}
            ref={attach}
            src={entry.url}
            title={t.preview.frameTitle}
            sandbox={SANDBOX}
            allow="fullscreen; clipboard-write"
            onLoad={onLoad}
            className={css.frame}
            style={{
              width,
              height,
              transform: `scale(${scale})`,
            }}
          />
        )}
      </div>
      {DEVICES[device] && (
        <p className={css.deviceSize}>
          {t.preview.size(width, height, Math.round(scale * 100))}
        </p>
      )}
    </div>
  );
}
