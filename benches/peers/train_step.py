"""Times a training step of the paper's MLP or of a convolutional network in PyTorch, for comparison with memdil.

    python train_step.py DEPTH/WIDTH/BATCH|resnet18/WIDTH/BATCH|vgg11/WIDTH/BATCH [--seconds S] [--device cpu|cuda:N]
                         [--mode eager|graph|compile]

A step consists of forward, cross-entropy, backward and SGD with momentum and weight decay, on random inputs of 3072 values and two
classes. OMP_NUM_THREADS sets the number of threads. On a GPU, a step may be recorded once and replayed (graph) or compiled, and
steps are timed in groups of twenty. Prints one JSON object: median and minimum in milliseconds, the number of steps, and, on a
CPU, the peak of additional memory in MiB.
"""

import argparse
import json
import os
import resource
import statistics
import time

import torch
from torch import nn

import networks

INPUTS, CLASSES = 3072, 2


def perceptron(depth, width):
    layers, fan_in = [], INPUTS
    for index in range(depth):
        units = CLASSES if index + 1 == depth else width
        layers += [nn.Linear(fan_in, units), nn.BatchNorm1d(units), nn.ReLU()]
        fan_in = units
    return nn.Sequential(*layers, nn.Linear(fan_in, CLASSES))


def on_gpu(model, loss, optimizer, inputs, labels, arguments):
    """Time a step on a GPU, after a warm-up."""
    forward = torch.compile(model, mode="max-autotune") if arguments.mode == "compile" else model

    def step():
        optimizer.zero_grad(set_to_none=arguments.mode != "graph")
        loss(forward(inputs), labels).backward()
        optimizer.step()

    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(11):
            step()
    torch.cuda.current_stream().wait_stream(side)
    if arguments.mode == "graph":
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            step()
        run = graph.replay
    else:
        run = step
    times, end = [], time.perf_counter() + arguments.seconds
    while time.perf_counter() < end:
        torch.cuda.synchronize()
        start = time.perf_counter()
        for _ in range(20):
            run()
        torch.cuda.synchronize()
        times.append((time.perf_counter() - start) * 1e3 / 20)
    return {"ms": statistics.median(times), "least_ms": min(times), "steps": 20 * len(times)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("size")
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--mode", choices=["eager", "graph", "compile"], default="eager")
    arguments = parser.parse_args()
    name, width, batch = arguments.size.split("/")
    width, batch, convolutional = int(width), int(batch), not name.isdigit()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    torch.manual_seed(0)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    model = networks.network(name, width, CLASSES) if convolutional else perceptron(int(name), width)
    loss = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4)
    inputs, labels = torch.randn(batch, INPUTS), torch.randint(0, CLASSES, (batch,))
    if convolutional:
        inputs = inputs.reshape(batch, 3, 32, 32)
    if arguments.device != "cpu":
        torch.cuda.set_device(arguments.device)
        model, inputs, labels = model.to(arguments.device), inputs.to(arguments.device), labels.to(arguments.device)
        print(json.dumps(on_gpu(model, loss, optimizer, inputs, labels, arguments)))
        return

    times, end = [], None
    while end is None or time.perf_counter() < end or len(times) < 4:
        start = time.perf_counter()
        optimizer.zero_grad()
        loss(model(inputs), labels).backward()
        optimizer.step()
        times.append((time.perf_counter() - start) * 1e3)
        end = end or time.perf_counter() + arguments.seconds
    # The first step allocates memory and is not timed.
    times = times[1:]
    peak = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(json.dumps({"ms": statistics.median(times), "least_ms": min(times), "steps": len(times), "extra_mib": peak}))


if __name__ == "__main__":
    main()
