export function People() { return <div class="page"><h1>People</h1></div>; }
