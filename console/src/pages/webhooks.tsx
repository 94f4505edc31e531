export function Webhooks() { return <div class="page"><h1>Webhooks</h1></div>; }
export function Webhook() { return <div class="page"><h1>Webhook</h1></div>; }
