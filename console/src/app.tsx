import { ErrorBoundary, lazy, LocationProvider, Route, Router } from "preact-iso";
import { useState } from "preact/hooks";
import { Entry } from "./pages/entry";
import { Shell } from "./shell";
import { user } from "./lib/session";
import { Note } from "./ui/parts";
import { Toasts } from "./ui/toast";
import { NotFound } from "./pages/not-found";

const Home = lazy(() => import("./pages/home").then((page) => page.Home));
const Calls = lazy(() => import("./pages/calls").then((page) => page.Calls));
const Call = lazy(() => import("./pages/call").then((page) => page.Call));
const Campaigns = lazy(() => import("./pages/campaigns").then((page) => page.Campaigns));
const CampaignNew = lazy(() => import("./pages/campaign-form").then((page) => page.CampaignNew));
const Campaign = lazy(() => import("./pages/campaign").then((page) => page.Campaign));
const Agents = lazy(() => import("./pages/agents").then((page) => page.Agents));
const AgentNew = lazy(() => import("./pages/agent").then((page) => page.AgentNew));
const Agent = lazy(() => import("./pages/agent").then((page) => page.Agent));
const Analytics = lazy(() => import("./pages/analytics").then((page) => page.Analytics));
const Integrations = lazy(() => import("./pages/integrations").then((page) => page.Integrations));
const Numbers = lazy(() => import("./pages/numbers").then((page) => page.Numbers));
const DoNotCall = lazy(() => import("./pages/do-not-call").then((page) => page.DoNotCall));
const Webhooks = lazy(() => import("./pages/webhooks").then((page) => page.Webhooks));
const Webhook = lazy(() => import("./pages/webhooks").then((page) => page.Webhook));
const Reviews = lazy(() => import("./pages/reviews").then((page) => page.Reviews));
const Prompts = lazy(() => import("./pages/prompts").then((page) => page.Prompts));
const Prices = lazy(() => import("./pages/prices").then((page) => page.Prices));
const Organization = lazy(() => import("./pages/organization").then((page) => page.Organization));
const People = lazy(() => import("./pages/people").then((page) => page.People));
const ApiKeys = lazy(() => import("./pages/api-keys").then((page) => page.ApiKeys));
const Profile = lazy(() => import("./pages/profile").then((page) => page.Profile));
const AdminUsers = lazy(() => import("./pages/admin-users").then((page) => page.AdminUsers));
const System = lazy(() => import("./pages/system").then((page) => page.System));
const Logs = lazy(() => import("./pages/logs").then((page) => page.Logs));

export function App() {
  return (
    <LocationProvider scope="/console">
      {user.value ? <SignedIn /> : <Entry />}
      <Toasts />
    </LocationProvider>
  );
}

function SignedIn() {
  const [problem, setProblem] = useState<string | null>(null);
  const [loading, setLoading] = useState(false);
  return (
    <Shell loading={loading}>
      {problem && (
        <div class="page">
          <Note kind="bad">
            This page could not be shown ({problem}). Load it again; if the platform was updated meanwhile, that helps.
          </Note>
        </div>
      )}
      <ErrorBoundary onError={(error: Error) => setProblem(error.message)}>
        <Router onRouteChange={() => setProblem(null)} onLoadStart={() => setLoading(true)} onLoadEnd={() => setLoading(false)}>
          <Route path="/console" component={Home} />
          <Route path="/console/calls" component={Calls} />
          <Route path="/console/calls/:id" component={Call} />
          <Route path="/console/campaigns" component={Campaigns} />
          <Route path="/console/campaigns/new" component={CampaignNew} />
          <Route path="/console/campaigns/:id/:tab?" component={Campaign} />
          <Route path="/console/agents" component={Agents} />
          <Route path="/console/agents/new" component={AgentNew} />
          <Route path="/console/agents/:id/:tab?" component={Agent} />
          <Route path="/console/analytics" component={Analytics} />
          <Route path="/console/integrations" component={Integrations} />
          <Route path="/console/numbers" component={Numbers} />
          <Route path="/console/do-not-call" component={DoNotCall} />
          <Route path="/console/webhooks" component={Webhooks} />
          <Route path="/console/webhooks/:id" component={Webhook} />
          <Route path="/console/unclear" component={Reviews} />
          <Route path="/console/recordings" component={Prompts} />
          <Route path="/console/prices" component={Prices} />
          <Route path="/console/organization" component={Organization} />
          <Route path="/console/people" component={People} />
          <Route path="/console/api-keys" component={ApiKeys} />
          <Route path="/console/profile" component={Profile} />
          <Route path="/console/admin/users" component={AdminUsers} />
          <Route path="/console/admin/system" component={System} />
          <Route path="/console/admin/logs" component={Logs} />
          <Route default component={NotFound} />
        </Router>
      </ErrorBoundary>
    </Shell>
  );
}

