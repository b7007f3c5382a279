"""An oslo.messaging driver for services that share one process (`transport_url = onestack://`).

In the embedded layout all workers of a project are threads of one process, so a message broker
outside of it buys nothing and costs memory, start time and latency. oslo.messaging's own `fake://`
hands live objects around, polls every 50 ms and never forgets; this one does as RabbitMQ does:

* What is sent is JSON; no object is ever shared between sender and receiver, and a remote error is
  rebuilt from its description, only from modules the client allows.
* A topic's messages go round its servers in turn; one for a named server waits for that server. A
  fanout reaches those who listen now, each once. Control exchanges are apart; virtual hosts
  (`onestack:///name`) more so. All transports of the process meet on one broker per virtual host.
* Whom nobody hears yet may come later: casts and notifications wait, calls wait until the caller
  gives up. RabbitMQ drops what is sent before a server first came; waiting is kinder at start-up.
* Everything waits on conditions, nothing polls.
* Memory is bounded. A full RPC queue refuses (`MessageDeliveryFailure`), a full queue of
  notifications or fanouts forgets its oldest and says so in the log.

The bus lives and dies with its process, and a forked child has a bus of its own.
"""
