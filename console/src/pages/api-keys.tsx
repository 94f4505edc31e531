export function ApiKeys() { return <div class="page"><h1>ApiKeys</h1></div>; }
