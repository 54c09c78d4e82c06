import { useQueryClient } from "@tanstack/react-query";
import { CircleUser, LogOut, Monitor, Moon, Sun } from "lucide-react";
import { useLocation } from "wouter";
import { errorText } from "../api/errorText";
import { isProblem, sendJson } from "../api/http";
import { useMe } from "../api/queries";
import { t } from "../strings";
import {
  IconButton,
  Menu,
  MenuChoice,
  MenuItem,
  MenuLabel,
  MenuSeparator,
  toast,
} from "../ui";
import { paths } from "./paths";
import { setTheme, useTheme } from "./theme";

const THEMES = [
  { value: "light", text: t.nav.themeLight, icon: <Sun /> },
  { value: "dark", text: t.nav.themeDark, icon: <Moon /> },
  { value: "system", text: t.nav.themeSystem, icon: <Monitor /> },
] as const;

function useSignOut(): () => Promise<void> {
  const client = useQueryClient();
  const [, navigate] = useLocation();
  return async () => {
    try {
      await sendJson("POST", "/auth/logout");
    } catch (error) {
      if (!isProblem(error, 401)) {
        toast({ text: errorText(error), tone: "bad" });
        return;
      }
    }
    client.clear();
    navigate(paths.signIn);
  };
}

export function AccountMenu() {
  const me = useMe();
  const theme = useTheme();
  const signOut = useSignOut();
  return (
    <Menu trigger={<IconButton label={t.nav.account} icon={<CircleUser />} />}>
      <MenuLabel>{me.data?.email}</MenuLabel>
      <MenuSeparator />
      <MenuChoice
        label={t.nav.theme}
        value={theme}
        options={[...THEMES]}
        onChange={setTheme}
      />
      <MenuSeparator />
      <MenuItem icon={<LogOut />} onSelect={() => void signOut()}>
        {t.nav.signOut}
      </MenuItem>
    </Menu>
  );
}
