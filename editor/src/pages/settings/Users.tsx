import { useMutation, useQueryClient } from "@tanstack/react-query";
import {
  Ellipsis,
  KeyRound,
  ShieldCheck,
  ShieldOff,
  Trash2,
  UserPlus,
} from "lucide-react";
import { useState } from "react";
import { errorText } from "../../api/errorText";
import { isProblem, sendJson } from "../../api/http";
import { keys, useMe } from "../../api/queries";
import type { User } from "../../api/types";
import { t } from "../../strings";
import {
  Button,
  Confirm,
  ErrorNote,
  IconButton,
  Menu,
  MenuItem,
  MenuSeparator,
  Skeleton,
  toast,
  When,
} from "../../ui";
import css from "./settings.module.css";
import { AddUser, SetPassword } from "./UserDialogs";
import { usePaged } from "./usePaged";

const words = t.settings.users;

/** A conflict can only mean the last owner here: addresses are not changed. */
const userErrorText = (error: unknown) =>
  isProblem(error, 409) ? words.lastOwner : errorText(error);

type Doing = { what: "password" | "remove"; user: User } | { what: "add" };

function UserMenu({
  user,
  onDo,
}: {
  user: User;
  onDo: (doing: Doing) => void;
}) {
  const client = useQueryClient();
  const role = user.role === "owner" ? "member" : "owner";
  const change = useMutation({
    mutationFn: () => sendJson("PATCH", `/users/${user.id}`, { role }),
    onSuccess: () =>
      Promise.all([
        client.invalidateQueries({
          queryKey: keys.users,
        }),
        client.invalidateQueries({ queryKey: keys.me }),
      ]),
    onError: (error) =>
      toast({
        text: userErrorText(error),
        tone: "bad",
        forMs: 10_000,
      }),
  });
  return (
    <Menu
      trigger={
        <IconButton
          size="small"
          label={words.actionsOf(user.email)}
          icon={<Ellipsis />}
          busy={change.isPending}
        />
      }
    >
      <MenuItem
        icon={role === "owner" ? <ShieldCheck /> : <ShieldOff />}
        onSelect={() => change.mutate()}
      >
        {role === "owner" ? words.makeOwner : words.makeMember}
      </MenuItem>
      <MenuItem
        icon={<KeyRound />}
        onSelect={() => onDo({ what: "password", user })}
      >
        {words.setPassword}
      </MenuItem>
      <MenuSeparator />
      <MenuItem
        icon={<Trash2 />}
        danger
        onSelect={() => onDo({ what: "remove", user })}
      >
        {words.remove}
      </MenuItem>
    </Menu>
  );
}

function UserTable({
  users,
  onDo,
}: {
  users: User[];
  onDo: (doing: Doing) => void;
}) {
  const me = useMe().data;
  return (
    <div className={css.tableBox}>
      <table className={css.table}>
        <thead>
          <tr>
            <th scope="col">{words.email}</th>
            <th scope="col">{words.role}</th>
            <th scope="col">{words.created}</th>
            <td />
          </tr>
        </thead>
        <tbody>
          {users.map((user) => (
            <tr key={user.id}>
              <td>
                {user.email}{" "}
                {user.id === me?.id && (
                  <span className={css.soft}>({words.you})</span>
                )}
              </td>
              <td>
                {user.role === "owner"
                  ? t.settings.account.owner
                  : t.settings.account.member}
              </td>
              <td>
                <When time={user.created_at} />
              </td>
              <td className={css.actions}>
                <UserMenu user={user} onDo={onDo} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function Users() {
  const client = useQueryClient();
  const list = usePaged<User>(keys.users, "/users");
  const [doing, setDoing] = useState<Doing | null>(null);
  const users = list.data?.pages.flatMap((page) => page.items) ?? [];
  const done = () => setDoing(null);
  const removed = doing?.what === "remove" ? doing.user : null;
  const remove = async () => {
    await sendJson("DELETE", `/users/${removed!.id}`);
    await client.invalidateQueries({ queryKey: keys.users });
    void client.invalidateQueries({ queryKey: keys.me });
  };
  return (
    <>
      <div className={css.headRow}>
        <p className={css.soft}>{words.text}</p>
        <Button tone="primary" onClick={() => setDoing({ what: "add" })}>
          <UserPlus aria-hidden="true" />
          {words.add}
        </Button>
      </div>
      {list.isPending && <Skeleton className={css.skeleton} />}
      {list.error && (
        <ErrorNote error={list.error} onRetry={() => void list.refetch()} />
      )}
      {users.length > 0 && <UserTable users={users} onDo={setDoing} />}
      {list.hasNextPage && (
        <Button
          busy={list.isFetchingNextPage}
          onClick={() => void list.fetchNextPage()}
        >
          {words.showMore}
        </Button>
      )}
      {doing?.what === "add" && <AddUser onClose={done} />}
      {doing?.what === "password" && (
        <SetPassword user={doing.user} onClose={done} />
      )}
      <Confirm
        open={removed !== null}
        onClose={done}
        title={words.removeTitle(removed?.email ?? "")}
        text={words.removeText}
        confirm={words.remove}
        danger
        onConfirm={remove}
        errorText={userErrorText}
      />
    </>
  );
}
