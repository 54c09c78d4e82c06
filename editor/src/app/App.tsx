import { QueryClientProvider, useQueryClient } from "@tanstack/react-query";
import { Suspense, useEffect, useState, type ReactNode } from "react";
import { Redirect, Route, Switch } from "wouter";
import { isProblem, setOnSignedOut } from "../api/http";
import { keys, makeQueryClient, useMe } from "../api/queries";
import { Busy, ErrorNote, Toasts, TooltipProvider } from "../ui";
import { ConnectionBanner } from "./ConnectionBanner";
import { ErrorBoundary } from "./ErrorBoundary";
import { lazy } from "./lazy";
import { paths } from "./paths";

const SignIn = lazy(() => import("../pages/signin/SignIn"));
const Home = lazy(() => import("../pages/home/Home"));
const Settings = lazy(() => import("../pages/settings/Settings"));
const Script = lazy(() => import("../pages/script/Script"));
const NotFound = lazy(() => import("../pages/NotFound"));
const BuilderPage = lazy(() => import("../builder/BuilderPage"));

/** Lets those in who are signed in; the others sign in first and come back. */
function SignedIn({ children }: { children: ReactNode }) {
  const me = useMe();
  const client = useQueryClient();
  useEffect(() => {
    setOnSignedOut(() => {
      // Who was never signed in is not asked again.
      if (client.getQueryData(keys.me)) {
        void client.resetQueries({ queryKey: keys.me });
      }
    });
    return () => setOnSignedOut(() => {});
  }, [client]);
  if (isProblem(me.error, 401)) {
    const next = location.pathname + location.search + location.hash;
    return (
      <Redirect
        to={
          next === "/"
            ? paths.signIn
            : `${paths.signIn}?next=${encodeURIComponent(next)}`
        }
      />
    );
  }
  if (me.error && !me.data) {
    return <ErrorNote error={me.error} onRetry={() => void me.refetch()} />;
  }
  return me.data ? children : <Busy />;
}

function Routes() {
  return (
    <Switch>
      <Route path={paths.signIn}>
        <SignIn />
      </Route>
      <Route>
        <SignedIn>
          <Switch>
            <Route path={paths.home}>
              <Home />
            </Route>
            <Route path="/projects/:id/:tab?">
              {({ id, tab }) => <BuilderPage key={id} id={id} tab={tab} />}
            </Route>
            <Route path={`${paths.settings}/:section?`}>
              {({ section }) => <Settings section={section} />}
            </Route>
            <Route path={paths.script}>
              <Script />
            </Route>
            <Route>
              <NotFound />
            </Route>
          </Switch>
        </SignedIn>
      </Route>
    </Switch>
  );
}

export function App() {
  const [client] = useState(makeQueryClient);
  return (
    <ErrorBoundary>
      <QueryClientProvider client={client}>
        <TooltipProvider>
          <ConnectionBanner />
          <Suspense fallback={<Busy />}>
            <Routes />
          </Suspense>
          <Toasts />
        </TooltipProvider>
      </QueryClientProvider>
    </ErrorBoundary>
  );
}
