"""A shop, its devices and a pager to watch Tocsin with. They come in through the front door, like anyone.

    config      what tocsin.yml says under `demo:`
    faults      how the demo is broken on purpose: a file in the state folder
    catalogue   what the shop is made of: endpoints, products, channels; and the shape of its day
    shop        the simulated shop: lines for a stretch of time; pure
    fleet       the simulated devices: what each reports, and when; pure
    past        what the demo's past holds besides an ordinary hour: an incident, and the week before; pure
    push        the collector's HTTP, spoken as a patient client
    traffic     the loops that let the shop and the fleet live in real time, after a short history
    pager       a stand-in for PagerDuty and Slack that shows what would have been sent
    app         composition root

`tocsin.yml` and `notify.yml` beside these files are the demo's configuration.
"""
