import { useState } from "preact/hooks";
import { UserPlus } from "lucide";
import { get, post, put, remove, type Schemas } from "../lib/api";
import { personName, sinceThen, words } from "../lib/format";
import { mayOwn } from "../lib/may";
import { user } from "../lib/session";
import { useAsk, useTitle, useWork } from "../lib/use";
import { Confirm, Dialog } from "../ui/dialog";
import { SelectField, TextField } from "../ui/field";
import { Answered, Button, Card, PageHead, Problem, Time } from "../ui/parts";
import { Pill } from "../ui/pill";
import { say } from "../ui/toast";

type Member = Schemas["UserShown"];

export function People() {
  useTitle("People");
  const asked = useAsk("people", async (signal) => {
    const query = { limit: 100 };
    const [members, invitations] = await Promise.all([
      get("/organization/members", { query, signal }),
      mayOwn() ? get("/invitations", { query, signal }) : null,
    ]);
    return { members: members.items, invitations: invitations?.items ?? [] };
  });
  const [inviting, setInviting] = useState(false);
  return (
    <div class="page">
      <PageHead
        title="People"
        actions={
          mayOwn() && (
            <Button look="first" icon={UserPlus} onClick={() => setInviting(true)}>
              Invite somebody
            </Button>
          )
        }
      >
        Who may see and do what in your organization.
      </PageHead>
      <Answered of={asked}>
        {({ members, invitations }) => (
          <>
            <Card title="Members" pad={false}>
              <ul class="lines">
                {members.map((each) => (
                  <MemberRow key={each.id} member={each} reload={asked.reload} />
                ))}
              </ul>
            </Card>
            {invitations.length > 0 && (
              <Card title="Invited" pad={false}>
                <ul class="lines">
                  {invitations.map((each) => (
                    <Invited key={each.id} invitation={each} reload={asked.reload} />
                  ))}
                </ul>
              </Card>
            )}
          </>
        )}
      </Answered>
      {inviting && <Invite onClose={() => setInviting(false)} onDone={asked.reload} />}
    </div>
  );
}

function MemberRow({ member, reload }: { member: Member; reload: () => void }) {
  const [deleting, setDeleting] = useState(false);
  const change = useWork(async (body: { role?: Member["role"]; is_active?: boolean }) => {
    await put("/users/{user_id}", { path: { user_id: member.id }, body });
    reload();
  });
  const isMe = member.id === user.value?.id;
  return (
    <li>
      <div class="line">
        <div class="row wrap">
          <span class="avatar" aria-hidden="true">
            {`${member.first_name.charAt(0)}${member.last_name.charAt(0)}`.toUpperCase()}
          </span>
          <span class="grow">
            <span class="strong">{personName(member)}</span> {isMe && <span class="faint small">you</span>} {!member.is_active && <Pill of="paused" name="Deactivated" />}
            <span class="small dim block truncate">
              {member.email} · signed in {sinceThen(member.last_login_at)}
            </span>
          </span>
          {mayOwn() && !isMe ? (
            <>
              <select class="input little" aria-label={`Role of ${personName(member)}`} value={member.role} onChange={(event) => void change.run({ role: event.currentTarget.value as Member["role"] })}>
                {["owner", "member", "viewer"].map((role) => (
                  <option key={role} value={role}>
                    {words(role)}
                  </option>
                ))}
                {member.role === "admin" && <option value="admin">Admin</option>}
              </select>
              <Button look="little" busy={change.busy} onClick={() => void change.run({ is_active: !member.is_active })}>
                {member.is_active ? "Deactivate" : "Activate"}
              </Button>
              <Button look="quiet little" onClick={() => setDeleting(true)}>
                Delete
              </Button>
            </>
          ) : (
            <span class="tag">{words(member.role)}</span>
          )}
        </div>
        <Problem error={change.error} />
      </div>
      {deleting && (
        <Confirm
          title={`Delete ${personName(member)}?`}
          action="Delete"
          onClose={() => setDeleting(false)}
          work={async () => {
            await remove("/users/{user_id}", { path: { user_id: member.id } });
            reload();
          }}
        >
          Name, address, sessions and keys are erased. What they made stays.
        </Confirm>
      )}
    </li>
  );
}

function Invited({ invitation, reload }: { invitation: Schemas["InvitationShown"]; reload: () => void }) {
  const withdraw = useWork(async () => {
    await remove("/invitations/{invitation_id}", { path: { invitation_id: invitation.id } });
    reload();
  });
  return (
    <li>
      <div class="line row wrap">
        <span class="grow truncate">{invitation.email}</span>
        <span class="tag">{words(invitation.role)}</span>
        <Pill of={invitation.status} name={invitation.status === "pending" ? "Invited" : "Expired"} />
        <span class="small dim">
          until <Time at={invitation.expires_at} />
        </span>
        <Button look="little" busy={withdraw.busy} onClick={() => void withdraw.run()}>
          Withdraw
        </Button>
      </div>
    </li>
  );
}

function Invite({ onClose, onDone }: { onClose: () => void; onDone: () => void }) {
  const [email, setEmail] = useState("");
  const [role, setRole] = useState<"member" | "viewer">("member");
  const send = useWork(async () => {
    await post("/invitations", { body: { email, role } });
    say(`The invitation to ${email} is on its way`);
    onDone();
    onClose();
  });
  return (
    <Dialog
      title="Invite somebody"
      onClose={onClose}
      onSubmit={() => void send.run()}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" look="first" busy={send.busy}>
            Send invitation
          </Button>
        </>
      }
    >
      <TextField label="E-mail" field="email" error={send.error} type="email" value={email} onText={setEmail} required autoFocus />
      <SelectField label="They may" value={role} onText={(next) => setRole(next as "member")} options={[["member", "Make and change agents, campaigns and calls"], ["viewer", "Look at everything, change nothing"]]} />
      <Problem error={send.error} shown={["email"]} />
    </Dialog>
  );
}
