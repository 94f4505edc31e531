export function AgentNew() { return <div class="page"><h1>AgentNew</h1></div>; }
export function Agent() { return <div class="page"><h1>Agent</h1></div>; }
