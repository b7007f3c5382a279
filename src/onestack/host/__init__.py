"""Operations on one machine: packages, processes, files, network, hypervisor."""
