import { Monitor, Moon, Sun } from "lucide-react";
import { setTheme, useTheme } from "../../app/theme";
import { t } from "../../strings";
import css from "./settings.module.css";

const THEMES = [
  { value: "light", text: t.nav.themeLight, Icon: Sun },
  { value: "dark", text: t.nav.themeDark, Icon: Moon },
  { value: "system", text: t.nav.themeSystem, Icon: Monitor },
] as const;

export function Appearance() {
  const theme = useTheme();
  return (
    <fieldset className={css.themes}>
      <legend>{t.settings.appearance.theme}</legend>
      <p className={css.soft}>{t.settings.appearance.themeText}</p>
      <div className={css.choices}>
        {THEMES.map(({ value, text, Icon }) => (
          <label key={value} className={css.choice}>
            <input
              type="radio"
              name="theme"
              value={value}
              checked={theme === value}
              onChange={() => setTheme(value)}
            />
            <span className={css.swatch} data-theme={value}>
              <Icon aria-hidden="true" />
            </span>
            <span>
              {text}
              {value === "system" && (
                <span className={css.soft}>
                  {" "}
                  {t.settings.appearance.systemText}
                </span>
              )}
            </span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
