/* device.c: birth, death and lock of a device; the contract is device.h. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "device.h"

struct device *device_new(const struct device_ops *ops,
			  const struct devconf *conf, struct err *e)
{
	struct device *dev;
	int i;

	assert(ops->size >= sizeof(*dev));
	dev = calloc(1, ops->size);
	if (!dev) {
		err_set(e, ENOMEM, "%s", conf->id);
		return NULL;
	}
	dev->ops = ops;
	dev->id = conf->id;
	dev->dma = conf->dma;
	dev->loop = conf->loop;
	for (i = 0; i < 4; i++)
		dev->irq[i] = conf->irq[i];
	pthread_mutex_init(&dev->lock, NULL);
	if (ops->init && ops->init(dev, conf, e) < 0) {
		err_at(e, "%s: ", conf->id);
		pthread_mutex_destroy(&dev->lock);
		free(dev);
		return NULL;
	}
	if (ops->reset)
		ops->reset(dev);
	return dev;
}

void device_free(struct device *dev)
{
	if (!dev)
		return;
	if (dev->ops->fini)
		dev->ops->fini(dev);
	pthread_mutex_destroy(&dev->lock);
	free(dev);
}

void device_lock(struct device *dev)
{
	pthread_mutex_lock(&dev->lock);
}

void device_unlock(struct device *dev)
{
	pthread_mutex_unlock(&dev->lock);
}
