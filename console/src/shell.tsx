import type { ComponentChildren } from "preact";
import { useLocation } from "preact-iso";
import { useEffect, useState } from "preact/hooks";
import {
  Activity, AudioLines, AudioWaveform, Ban, Building2, ChartColumn, CircleQuestionMark, Coins, FileClock, Hash, KeyRound, LayoutDashboard, LogOut, Megaphone, Menu, Monitor, Moon, Phone, Plug, Sun, UserCog,
  Users, Webhook,
  type IconNode,
} from "lucide";
import { post } from "./lib/api";
import { isAdmin } from "./lib/may";
import { personName } from "./lib/format";
import { forget, user } from "./lib/session";
import { theme, type Theme } from "./lib/theme";
import { Icon } from "./ui/icon";
import { Button } from "./ui/parts";

type Entry = [string, string, IconNode];

const DAILY: Entry[] = [
  ["/console", "Overview", LayoutDashboard],
  ["/console/calls", "Calls", Phone],
  ["/console/campaigns", "Campaigns", Megaphone],
  ["/console/agents", "Agents", AudioWaveform],
  ["/console/analytics", "Analytics", ChartColumn],
  ["/console/unclear", "Unclear calls", CircleQuestionMark],
];
const SETUP: Entry[] = [
  ["/console/integrations", "Integrations", Plug],
  ["/console/numbers", "Numbers", Hash],
  ["/console/do-not-call", "Do not call", Ban],
  ["/console/recordings", "Recordings to play", AudioLines],
  ["/console/prices", "Prices", Coins],
  ["/console/webhooks", "Webhooks", Webhook],
  ["/console/organization", "Organization", Building2],
  ["/console/people", "People", Users],
  ["/console/api-keys", "API keys", KeyRound],
];
const ADMIN: Entry[] = [
  ["/console/admin/users", "Everybody", UserCog],
  ["/console/admin/system", "System", Activity],
  ["/console/admin/logs", "Logs", FileClock],
];

export function Brand() {
  return (
    <a class="brand" href="/console">
      <svg viewBox="0 0 32 32" aria-hidden="true">
        <rect width="32" height="32" rx="8" fill="#4f46e5" />
        <g stroke="#fff" stroke-width="2.6" stroke-linecap="round">
          <path d="M8 14v4M12 10.500v11M16 7v18M20 11.500v9M24 14v4" />
        </g>
      </svg>
      VoiceERA
    </a>
  );
}

export function Shell({ children, loading }: { children: ComponentChildren; loading: boolean }) {
  const { path } = useLocation();
  const [open, setOpen] = useState(false);
  useEffect(() => setOpen(false), [path]);
  useEffect(() => {
    const close = (event: KeyboardEvent) => event.key === "Escape" && setOpen(false);
    addEventListener("keydown", close);
    return () => removeEventListener("keydown", close);
  }, []);
  return (
    <div class={`shell${open ? " open" : ""}`}>
      <a class="skip" href="#main">
        Skip to the page
      </a>
      <div class="topbar">
        <Button look="quiet" icon={Menu} label="Menu" aria-expanded={open} onClick={() => setOpen(true)} />
        <Brand />
      </div>
      <button class="backdrop" aria-label="Close the menu" onClick={() => setOpen(false)} />
      <aside class="side">
        <Brand />
        <nav class="nav" aria-label="Main">
          <Entries of={DAILY} path={path} />
          <h2>Set up</h2>
          <Entries of={SETUP} path={path} />
          {isAdmin() && <h2>Platform</h2>}
          {isAdmin() && <Entries of={ADMIN} path={path} />}
        </nav>
        <div class="spacer" />
        <Me />
      </aside>
      <main class="main" id="main" tabIndex={-1} aria-busy={loading}>
        {children}
      </main>
    </div>
  );
}

function Entries({ of, path }: { of: Entry[]; path: string }) {
  return (
    <>
      {of.map(([href, name, icon]) => {
        const isHere = href === "/console" ? /^\/console\/?$/.test(path) : path.startsWith(href);
        return (
          <a key={href} href={href} aria-current={isHere ? "page" : undefined}>
            <Icon of={icon} />
            {name}
          </a>
        );
      })}
    </>
  );
}

const THEMES: Record<Theme, [IconNode, string, Theme]> = {
  system: [Monitor, "Colours as the system has them", "light"],
  light: [Sun, "Light colours", "dark"],
  dark: [Moon, "Dark colours", "system"],
};

function Me() {
  const me = user.value!;
  const [icon, says, next] = THEMES[theme.value];
  const leave = async () => {
    await post("/auth/logout").catch(() => undefined);
    forget();
  };
  return (
    <div class="me">
      <a class="row grow" href="/console/profile" title="Your profile">
        <span class="avatar" aria-hidden="true">
          {`${me.first_name.charAt(0)}${me.last_name.charAt(0)}`.toUpperCase()}
        </span>
        <span class="truncate small strong">{personName(me)}</span>
      </a>
      <Button look="quiet little" icon={icon} label={says} onClick={() => (theme.value = next)} />
      <Button look="quiet little" icon={LogOut} label="Sign out" onClick={() => void leave()} />
    </div>
  );
}
