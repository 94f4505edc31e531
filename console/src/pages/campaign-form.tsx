export function CampaignNew() { return <div class="page"><h1>CampaignNew</h1></div>; }
